// What is stored and remembered yields to the gateway: dead tokens, other applications under the
// same URL, other ports of the same host, and disks that cannot be written to.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { end, json, type Peer, startPeer } from "../support/peer.ts";
import { letTimePass } from "../support/stored-moments.ts";
import { bin, type Machine, machine } from "../support/terminal.ts";

async function signedIn(context: TestContext, host = "app") {
  const peer = await startPeer(context, { hosts: ["app", "other", "localhost"] });
  const person = machine(context);
  const login = await person.run(["access", "login", "-q", peer.origin(host)]);
  assert.equal(login.status, 0, login.stderr);
  return { peer, person, url: peer.origin(host) };
}

function changeRecords(
  { home }: Machine,
  folder: string,
  change: (record: Record<string, unknown>) => void,
): void {
  if (!existsSync(join(home, folder))) return;
  for (const name of readdirSync(join(home, folder), { recursive: true }) as string[]) {
    const path = join(home, folder, name);
    if (!name.endsWith(".json")) continue;
    const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    change(record);
    writeFileSync(path, JSON.stringify(record));
  }
}

function revokeAll(peer: Peer, { home }: Machine): void {
  for (const name of readdirSync(join(home, "tokens"), { recursive: true }) as string[])
    if (name.endsWith(".json")) {
      const text = readFileSync(join(home, "tokens", name), "utf8");
      peer.revoked.add((JSON.parse(text) as { token: string }).token);
    }
}

test(
  "after the session has ended no script gets status 0 with a dead token or the sign-in text",
  needs("curl", "wget"),
  async (context) => {
    const { peer, person, url } = await signedIn(context, "localhost");
    const file = join(person.directory, "out");
    const lines: [string[], number][] = [
      [["curl", "-sSf", "-o", file, url], 125],
      [["curl", "-s", "-o", file, url], 125],
      [["token", url], 3],
      [["token", "--format", "env", url], 3],
      [["token", "--format", "exec-credential", url], 3],
      [["put", "--via", "env", "sh", "-c", "echo ran", url], 125],
      [["put", "wget", "-qO-", url], 125],
      [["whoami", url], 3],
    ];
    for (const [args, status] of lines) {
      await person.run(["access", "login", "-q", url]);
      revokeAll(peer, person);
      letTimePass(person.home);
      const run = await person.run(["access", ...args]);
      assert.deepEqual([run.status, run.stdout], [status, ""], `${args[0]}: ${run.stderr}`);
      assert.match(run.stderr, /not signed in .*access login/, args[0]);
      assert.ok(!existsSync(file));
    }
    assert.deepEqual(peer.forwarded(), []);
  },
);

test("a token that was checked a moment ago is used as it is, and asked about once when it was not", async (context) => {
  const { peer, person, url } = await signedIn(context);
  letTimePass(person.home);
  peer.requests.length = 0;
  for (let call = 0; call < 3; call++)
    assert.equal((await person.run(["access", "token", url])).status, 0);
  assert.deepEqual(
    peer.requests.map((seen) => seen.url),
    ["/?cloudflared_token_check=true"],
  );
});

test("on a terminal a new sign-in follows a dead token, and the new session drops the tokens of the old one", async (context) => {
  const { peer, person, url } = await signedIn(context);
  const other = await person.run(["access", "token", peer.origin("other")]);
  revokeAll(peer, person);
  letTimePass(person.home);
  const token = await person.runOnTerminal(["access", "token", url]);
  assert.equal(token.status, 0, token.stdout);
  assert.equal(person.opened().length, 2);
  const list = await person.run(["access", "list", "--json"]);
  const entries = JSON.parse(list.stdout) as { kind: string }[];
  const tokens = entries.filter(({ kind }) => kind === "application");
  assert.equal(tokens.length, 1, "the other application's token is gone");
  peer.answer = async (seen, response) => {
    if (!seen.url.startsWith("/cdn-cgi/access/authorized")) return false;
    const fresh = await peer.appToken("other", { country: "YY" });
    response.setHeader("Set-Cookie", `CF_Authorization=${fresh}; Path=/`);
    end(response, 302, "/");
    return true;
  };
  const again = await person.run(["access", "token", peer.origin("other")]);
  assert.equal(again.status, 0, again.stderr);
  assert.notEqual(again.stdout, other.stdout);
  assert.equal(person.opened().length, 2, "no browser was needed for it");
});

test(
  "a check that brings no word about the token leaves it in use",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    for (const status of [429, 500, 502, 503]) {
      letTimePass(person.home);
      peer.answer = (seen, response) => {
        if (!seen.url.includes("cloudflared_token_check")) return false;
        end(response, status);
        return true;
      };
      assert.equal((await person.run(["access", "token", url])).status, 0, String(status));
    }
    await peer.close();
    letTimePass(person.home);
    assert.equal((await person.run(["access", "token", url])).status, 0, "the gateway is away");
  },
);

test(
  "what is remembered of a host yields to its gateway: another AUD, an application that opens or closes",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    // 1. Another application under the same URL.
    revokeAll(peer, person);
    peer.auds["app.localhost"] = "b".repeat(64);
    assert.equal((await person.run(["access", "login", "-q", url])).status, 0);
    assert.ok(person.opened().at(-1)?.includes("b".repeat(64)), "no dead link");
    // A session of the same second has the same token at this peer.
    peer.revoked.clear();
    // 2. The same, noticed by a failed check; the terminal's session is exchanged.
    for (const aud of ["c", "d", "e"]) {
      changeRecords(person, "tokens", ({ type, token, checked_at: checked }) => {
        if (type === undefined && checked !== undefined) peer.revoked.add(String(token));
      });
      letTimePass(person.home);
      peer.auds["app.localhost"] = aud.repeat(64);
      const token = await person.run(["access", "token", "--format", "json", url]);
      assert.equal(token.status, 0, token.stderr);
      assert.equal((JSON.parse(token.stdout) as { aud: string }).aud, aud.repeat(64));
    }
    assert.equal(person.opened().length, 2);
  },
);

test(
  "an open application just runs, the first time, without a terminal, and asks for a sign-in when it closes",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = peer.origin("app");
    let isOpen = true;
    peer.answer = async (seen, response) => {
      if (seen.headers["cf-access-metadata-request"] !== undefined) {
        const claims = isOpen ? { login: false } : {};
        end(response.setHeader("cf-access-metadata", await peer.metadata("app", claims)), 204);
        return true;
      }
      const isAnswered = isOpen && seen.host.startsWith("app.");
      if (isAnswered) response.end("open");
      return isAnswered;
    };
    for (let call = 0; call < 2; call++) {
      const curl = await person.run(["access", "curl", "-sSf", url]);
      assert.deepEqual([curl.status, curl.stdout], [0, "open"], curl.stderr);
    }
    // Asked a moment ago, and a while ago: no script gets the sign-in text with status 0.
    isOpen = false;
    for (const args of [
      ["curl", "-sS", url],
      ["curl", "-sSf", `${url}/deep`],
      ["put", "printf", "%s", url],
      ["put", "--via", "env", "--app", url, "echo", "ran"],
    ]) {
      const run = await person.run(["access", ...args]);
      assert.deepEqual([run.status, run.stdout], [125, ""], args.join(" "));
    }
    letTimePass(person.home);
    assert.equal((await person.run(["access", "curl", "-sS", url])).status, 125);
    isOpen = true;
    letTimePass(person.home);
    assert.equal((await person.run(["access", "curl", "-sS", url])).status, 0);
  },
);

test("a gateway that cannot say who guards a URL is not taken for an open server, and its reason is shown", async (context) => {
  const { peer, person } = await signedIn(context);
  const answers: [number, boolean, RegExp][] = [
    [400, true, /status 400: The path is not clear\. Ray 0abc.*check the URL/],
    [403, true, /status 403: The path is not clear\. Ray 0abc/],
    [404, true, /status 404: The path is not clear\. Ray 0abc/],
    [421, false, /did not say which gateway protects .* \(status 421\)/],
    [403, false, /\(status 403\)/],
    [414, false, /\(status 414\)/],
  ];
  for (const [status, isGateway, pattern] of answers) {
    peer.answer = (seen, response) => {
      if (!seen.host.startsWith("other.")) return false;
      if (isGateway) response.setHeader("cf-ray", "0abc");
      json(response, status, { message: "The path is not clear.", ray_id: "0abc" });
      return true;
    };
    const run = await person.run(["access", "login", `${peer.origin("other")}/a%2Fb`]);
    assert.equal(run.status, 5);
    assert.match(run.stderr, pattern);
    assert.doesNotMatch(run.stderr, /without signing in/);
  }
  peer.answer = (seen, response) => {
    if (seen.host.startsWith("other.")) end(response, 404);
    return seen.host.startsWith("other.");
  };
  const open = await person.run(["access", "login", peer.origin("other")]);
  assert.match(open.stderr, /is not behind Access; reach it without signing in/);
});

test(
  "a token goes to no other port of its host: not stored for it, not by a redirect, not by a cookie",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    const evil = await startPeer(context);
    const { stdout: token } = await person.run(["access", "token", url]);
    // The server of another port shows the genuine description.
    for (const authority of [`app.localhost:${peer.port}`, "app.localhost", 5]) {
      evil.answer = async (seen, response) => {
        if (seen.headers["cf-access-metadata-request"] === undefined) return false;
        const claims = { authority };
        end(response.setHeader("cf-access-metadata", await peer.metadata("app", claims)), 204);
        return true;
      };
      const curl = await person.run(["access", "curl", "-s", evil.origin("app")]);
      assert.equal(curl.status, 125);
      assert.match(curl.stderr, /its description is for/);
    }
    evil.answer = undefined;
    for (const code of [301, 302, 307]) {
      peer.answer = (seen, response) => {
        if (seen.url !== "/away") return false;
        end(response, code, `${evil.origin("app")}/caught`);
        return true;
      };
      const curl = await person.run(["access", "curl", "-sSL", `${url}/away`]);
      assert.notEqual(curl.status, 0);
      assert.match(curl.stderr, /other ports/);
    }
    const both = await person.run([
      "access",
      "curl",
      "-s",
      "-ar",
      url,
      "--next",
      evil.origin("app"),
    ]);
    assert.equal(both.status, 125);
    assert.match(both.stderr, /ignore ports/);
    assert.ok(!JSON.stringify(evil.requests).includes(token));
  },
);

/** Runs in a name space of its own, where the folder cannot be written to. */
function readOnly(folder: string, args: string[]): string[] {
  const mount = `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`;
  const script = `${mount} && exec "$@"`;
  return ["unshare", "-rm", "sh", "-c", script, "sh", process.execPath, bin, "access", ...args];
}

const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

test("on a read-only home what is stored serves, exchanges go on, and logout says what it could not delete", {
  skip: !canMount && "this machine lets nobody make a mount name space",
}, async (context) => {
  const { peer, person, url } = await signedIn(context);
  letTimePass(person.home);
  const run = (...args: string[]) => person.runUnder(readOnly(person.home, args));
  for (const args of [
    ["token", url],
    ["whoami", url],
    ["login", url],
  ])
    assert.equal((await run(...args)).status, 0, args[0]);
  const exchanged = await run("token", peer.origin("other"));
  assert.equal(exchanged.status, 0, exchanged.stderr);
  assert.match(
    exchanged.stderr,
    /Warning: the sign-in was not stored: .* cannot be written \(EROFS\)/,
  );
  const logout = await run("logout", url);
  assert.equal(logout.status, 1);
  assert.match(
    logout.stderr,
    /has ended and its tokens are worthless, but they could not be deleted: .*EROFS/,
  );
  await peer.close();
  const unreachable = await run("logout", url);
  assert.equal(unreachable.status, 1);
  assert.match(
    unreachable.stderr,
    /may last until it expires, and its tokens could not be deleted: .*EROFS/,
  );
  for (const { stderr } of [exchanged, logout, unreachable])
    assert.doesNotMatch(stderr, /should not/);
});
