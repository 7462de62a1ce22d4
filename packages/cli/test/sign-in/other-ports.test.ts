// Tokens stay at the port that they were got for: behind a proxy, and in wget's cookies.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { end, startPeer } from "../support/peer.ts";
import { startProxy } from "../support/proxy.ts";
import { machine } from "../support/terminal.ts";

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost"] });
  const person = machine(context);
  const line = ["access", "login", "--no-verbose", peer.origin("localhost")];
  const { stdout: token } = await person.run(line);
  peer.requests.length = 0;
  return { peer, person, token };
}

test(
  "wget takes the token to no other port of its host, however it is sent there",
  needs("wget"),
  async (context) => {
    const { peer, person, token } = await signedIn(context);
    const other = await startPeer(context, { hosts: ["localhost"] });
    for (const code of [301, 302, 303, 307]) {
      peer.answer = (seen, response) => {
        if (seen.url !== "/away") return false;
        end(response, code, `${other.origin("localhost")}/caught`);
        return true;
      };
      await person.run([
        "access",
        "put",
        "--via=query",
        "wget",
        "-q",
        `${peer.origin("localhost")}/away`,
      ]);
    }
    peer.answer = undefined;
    const links = `<a href="${other.origin("localhost")}/caught">`;
    peer.answer = (seen, response) => {
      if (seen.url !== "/links.html") return false;
      response.setHeader("content-type", "text/html").end(links);
      return true;
    };
    const follow = ["-r", "-l1", "-e", "robots=off", `${peer.origin("localhost")}/links.html`];
    await person.run(["access", "put", "--via=query", "wget", "-q", ...follow]);
    assert.ok(peer.forwarded().length > 4, "the token opened the application itself");
    assert.ok(other.requests.length > 4, "and wget went to the other port");
    assert.ok(!JSON.stringify(other.requests).includes(token));
    assert.ok(!JSON.stringify(other.requests).includes("CF_Authorization"));
  },
);

test(
  "wget writes the token into no file, whatever its settings say",
  needs("wget"),
  async (context) => {
    const { peer, person } = await signedIn(context);
    const url = `${peer.origin("localhost")}/x`;
    writeFileSync(
      join(person.directory, ".wgetrc"),
      "save_cookies = jar\nkeep_session_cookies = on\n",
    );
    const put = await person.run(["access", "put", "--via=query", "wget", "-q", url]);
    assert.equal(put.status, 0, put.stderr);
    for (const option of [
      "--save-cookies=jar",
      "--save-c=jar",
      "-esave_cookies=jar",
      "--execute=savecookies=jar",
    ]) {
      const refused = await person.run(["access", "put", "--via=query", "wget", "-q", option, url]);
      assert.equal(refused.status, 125, option);
      assert.match(refused.stderr, /-O FILE/);
    }
    const names = readdirSync(person.directory).filter((name) => name === "jar");
    assert.deepEqual(names, []);
  },
);

test(
  "behind a proxy as well, a redirect takes the token to no other port, and elsewhere it is followed",
  needs("openssl", "curl"),
  async (context) => {
    const certificate = certificateFor(context, ["*.example.test"]);
    const peer = await startPeer(context, { secure: certificate, hosts: ["app", "other"] });
    const proxy = await startProxy(context, peer.port);
    const person = machine(
      context,
      `exec curl -s --cacert '${certificate.ca_file}' -o /dev/null "$1"`,
    );
    const trust = { POSTERN_CA_FILE: certificate.ca_file };
    Object.assign(person.environment, { HTTPS_PROXY: proxy.url, ...trust });
    await person.run(["access", "login", "-q", "https://app.example.test"]);
    const redirectTo = (location: string) => {
      peer.answer = (seen, response) => {
        if (seen.url !== "/away") return false;
        end(response, 302, location);
        return true;
      };
    };
    const ways: [args: string[], variables: Record<string, string>][] = [
      [[], {}],
      [[], { HTTPS_PROXY: "", https_proxy: proxy.url }],
      [[], { HTTPS_PROXY: "", ALL_PROXY: proxy.url }],
      [["-x", proxy.url], { HTTPS_PROXY: "" }],
    ];
    for (const [args, variables] of ways) {
      for (const port of [8443, 444, 8080]) {
        redirectTo(`https://app.example.test:${port}/caught`);
        const line = ["access", "curl", "-sSL", ...args, "https://app.example.test/away"];
        const run = await person.run(line, variables);
        assert.ok(!proxy.tunnels.includes(`app.example.test:${port}`), run.stderr);
        // This proxy leads every name to the peer; a real one finds nobody there.
        assert.equal(proxy.tunnels.at(-1), "127.0.0.1:1");
      }
    }
    redirectTo("https://app.example.test/home");
    const home = await person.run(["access", "curl", "-sSL", "https://app.example.test/away"]);
    assert.deepEqual([home.status, home.stdout], [0, "hello from app.example.test\n"], home.stderr);
  },
);
