// `access curl` with the real curl: which URL gets which credential, in which place, and what
// nobody else sees.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../../test/support/requirements.ts";
import { end, type Peer, startPeer } from "../../support/peer.ts";
import { type Machine, machine } from "../../support/terminal.ts";

async function signedIn(
  context: TestContext,
): Promise<{ peer: Peer; person: Machine; token: string }> {
  const peer = await startPeer(context);
  const person = machine(context);
  const { stdout: token } = await person.run([
    "access",
    "login",
    "--no-verbose",
    peer.origin("app"),
  ]);
  assert.notEqual(token, "");
  peer.requests.length = 0;
  return { peer, person, token };
}

test(
  "access curl brings the answer, in one request, and the token travels in a cookie",
  needs("curl"),
  async (context) => {
    const { peer, person, token } = await signedIn(context);
    const curl = await person.run([
      "access",
      "curl",
      "-sS",
      `${peer.origin("app")}/v1/orders?open=1`,
    ]);
    assert.deepEqual(
      [curl.status, curl.stdout, curl.stderr],
      [0, "hello from app.localhost\n", ""],
    );
    assert.equal(peer.requests.length, 1);
    assert.equal(peer.requests[0]?.url, "/v1/orders?open=1");
    assert.equal(peer.requests[0]?.headers.cookie, `CF_Authorization=${token}`);
  },
);

test(
  "the URL may stand anywhere, and curl's options keep their values, input and status",
  needs("curl"),
  async (context) => {
    const { peer, person } = await signedIn(context);
    const url = `${peer.origin("app")}/x`;
    const lines = [
      ["-sS", url, "-X", "POST", "-d", "@-"],
      ["-X", "POST", "-sSd@-", "--url", url],
      ["-sSXPOST", "--data", "@-", "--", url],
    ];
    for (const args of lines) {
      peer.requests.length = 0;
      const curl = await person.run(["access", "curl", ...args], {}, "from standard input");
      assert.equal(curl.stdout, "hello from app.localhost\n", `${args.join(" ")}: ${curl.stderr}`);
      assert.deepEqual(
        [peer.requests[0]?.method, peer.requests[0]?.body, peer.requests.length],
        ["POST", "from standard input", 1],
      );
    }
    const values = await person.run([
      "access",
      "curl",
      "-s",
      "-H",
      "X-A: http://other.localhost/",
      "-e",
      "https://referer.example/",
      "-A",
      "http://agent",
      url,
    ]);
    assert.equal(values.status, 0, "URLs that are values of options are not asked about");
    const failing = await person.run([
      "access",
      "curl",
      "-s",
      "-f",
      "--max-time",
      "5",
      "-o",
      "/nowhere/at/all",
      url,
    ]);
    assert.equal(failing.status, 23, "the exit status is curl's");
    assert.equal(
      (await person.run(["access", "curl"])).status,
      2,
      "and so is the complaint about a missing URL",
    );
  },
);

test(
  "each URL gets the token of its own application and of no other, also behind --next and in -K files",
  needs("curl"),
  async (context) => {
    const { peer, person } = await signedIn(context);
    const config = join(person.directory, "urls");
    writeFileSync(config, `# comment\nurl = "${peer.origin("app")}/from-file"\nsilent\n`);
    const one = `${peer.origin("app")}/1`;
    const two = `${peer.origin("other")}/2`;
    const curl = await person.run([
      "access",
      "curl",
      "-s",
      one,
      two,
      "-K",
      config,
      "--next",
      "-s",
      one,
      "-:",
      "-s",
      two,
    ]);
    assert.equal(curl.status, 0, curl.stderr);
    const served = peer.forwarded();
    assert.deepEqual(served.map(({ url }) => url).sort(), ["/1", "/1", "/2", "/2", "/from-file"]);
    for (const { host, headers } of served) {
      const cookies = [...(headers.cookie ?? "").matchAll(/CF_Authorization=[^.]+\.([^.]+)/g)].map(
        (match) => match[1] ?? "",
      );
      const [aud] = cookies.map(
        (claims) =>
          (JSON.parse(Buffer.from(claims, "base64url").toString()) as { aud: string[] }).aud[0],
      );
      assert.equal(cookies.length, 1);
      assert.equal(aud, peer.auds[host.replace(/:\d+$/, "")]);
    }
  },
);

test("cookies of the person's own still go along", needs("curl"), async (context) => {
  const { peer, person, token } = await signedIn(context);
  const jar = join(person.directory, "jar");
  writeFileSync(jar, "app.localhost\tFALSE\t/\tFALSE\t0\tfrom_file\t1\n");
  await person.run(["access", "curl", "-s", "-b", "mine=2", "-b", jar, peer.origin("app")]);
  const cookies = peer.requests[0]?.headers.cookie ?? "";
  for (const wanted of ["mine=2", "from_file=1", `CF_Authorization=${token}`])
    assert.ok(cookies.includes(wanted), `${wanted} in ${cookies}`);
});

test("the token does not end up in a cookie jar", needs("curl"), async (context) => {
  const { peer, person, token } = await signedIn(context);
  const jar = join(person.directory, "jar");
  const curl = await person.run(["access", "curl", "-s", "-c", jar, peer.origin("app")]);
  assert.equal(curl.stdout, "hello from app.localhost\n");
  assert.ok(!readFileSync(jar, "utf8").includes(token));
});

test("a redirect to another host takes no token along (C11)", needs("curl"), async (context) => {
  const { peer, person, token } = await signedIn(context);
  peer.answer = (seen, response) => {
    if (!seen.url.startsWith("/away")) return false;
    end(response, 302, `http://evil.localhost:${peer.port}/caught`);
    return true;
  };
  const curl = await person.run(["access", "curl", "-sSL", `${peer.origin("app")}/away`]);
  assert.equal(curl.stdout, "somewhere else");
  const caught = peer.requests.filter(({ host }) => host.startsWith("evil."));
  assert.equal(caught.length, 1);
  assert.ok(!JSON.stringify(caught).includes(token));
  const header = await person.run([
    "access",
    "curl",
    "-sSL",
    "--token-in",
    "header",
    `${peer.origin("app")}/away`,
  ]);
  assert.equal(header.status, 125);
  assert.match(header.stderr, /-L/);
  writeFileSync(join(person.directory, ".curlrc"), "location\n");
  assert.equal(
    (await person.run(["access", "curl", "-sS", "--token-in=header", `${peer.origin("app")}/away`]))
      .status,
    125,
  );
  assert.equal(peer.requests.filter(({ host }) => host.startsWith("evil.")).length, 1);
});

test(
  "the token travels in a header or in the query where that is asked for",
  needs("curl"),
  async (context) => {
    const { peer, person, token } = await signedIn(context);
    await person.run(["access", "curl", "-s", "--token-in", "header", `${peer.origin("app")}/h`]);
    await person.run([
      "access",
      "curl",
      "-s",
      "--token-in=query",
      `${peer.origin("app")}/q?a=[1-2]#f`,
    ]);
    assert.equal(peer.requests[0]?.headers["cf-access-token"], token);
    assert.deepEqual(
      peer.requests.slice(1).map(({ url }) => url),
      [`/q?a=1&token=${token}`, `/q?a=2&token=${token}`],
    );
    const two = await person.run([
      "access",
      "curl",
      "-s",
      "--token-in",
      "header",
      peer.origin("app"),
      peer.origin("other"),
    ]);
    assert.equal(two.status, 125, "a header would reach both applications");
  },
);

test(
  "without a token curl does not run: status 125, one line that says what to do; with -ar it goes out as it is",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = `${peer.origin("app")}/x`;
    const curl = await person.run(["access", "curl", "-s", url]);
    // The gateway is asked once whether the application is open: then curl would just run.
    assert.deepEqual([curl.status, curl.stdout, peer.forwarded().length], [125, "", 0]);
    assert.ok(peer.requests.every(({ headers }) => headers["cf-access-token"] === undefined));
    assert.match(curl.stderr, /^postern: not signed in to .*access login .*\[not_signed_in\]\n$/m);
    for (const flag of ["-ar", "--allow-request"]) {
      const allowed = await person.run([
        "access",
        "curl",
        flag,
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        url,
      ]);
      assert.deepEqual([allowed.status, allowed.stdout], [0, "302"], allowed.stderr);
    }
    assert.ok(peer.requests.every(({ headers }) => headers.cookie === undefined));
  },
);

test(
  "on a terminal access curl signs in first and then brings the answer",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const curl = await person.runOnTerminal(["access", "curl", "-s", peer.origin("app")]);
    assert.equal(curl.status, 0, curl.stdout);
    assert.match(curl.stdout, /hello from app\.localhost/);
    assert.equal(person.opened().length, 1);
  },
);

test(
  "a path scope keeps the token away from the neighbours on the same host",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    peer.answer = async (seen, response) => {
      if (seen.headers["cf-access-metadata-request"] === undefined || !seen.url.startsWith("/v1"))
        return false;
      response.setHeader(
        "cf-access-metadata",
        await peer.metadata("app", { path_scope: "/v1/", app_hostname: "app.localhost/v1" }),
      );
      end(response, 204);
      return true;
    };
    await person.run(["access", "login", `${peer.origin("app")}/v1/`]);
    peer.requests.length = 0;
    await person.run(["access", "curl", "-s", `${peer.origin("app")}/v1/orders`]);
    assert.equal(peer.requests.length, 1);
    assert.match(peer.requests[0]?.headers.cookie ?? "", /CF_Authorization=/);
    peer.answer = (seen, response) => {
      if (seen.url !== "/v1/away") return false;
      end(response, 302, "/v10/");
      return true;
    };
    await person.run(["access", "curl", "-sL", `${peer.origin("app")}/v1/away`]);
    const neighbour = peer.requests.find(({ url }) => url === "/v10/");
    assert.ok(neighbour);
    assert.equal(neighbour.headers.cookie, undefined);
  },
);

test(
  "plain http to another machine is never used, and bad URLs are one line",
  needs("curl"),
  async (context) => {
    const person = machine(context);
    for (const [url, pattern] of [
      ["http://app.example.invalid/", /app\.example\.invalid/],
      ["https://exa mple/", /is not a URL/],
      ["https://app.example\\@evil.example/", /is not a URL/],
    ] as const) {
      const curl = await person.run(["access", "curl", "--no-login", url]);
      assert.equal(curl.status, 125);
      assert.match(curl.stderr, /^postern: [^\n]*\n$/);
      assert.match(curl.stderr, pattern);
    }
  },
);

test(
  "a service token travels in headers, is never shown in arguments, and never opens a browser",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const secret = "s3cr3t-of-the-program";
    const file = join(person.directory, "secret");
    writeFileSync(file, `${secret}\n`);
    const url = `${peer.origin("app")}/x`;
    const ways: [string[], Record<string, string>][] = [
      [["--service-token-id", "id.access", "--service-token-secret-file", file], {}],
      [[], { POSTERN_SERVICE_TOKEN_ID: "id.access", POSTERN_SERVICE_TOKEN_SECRET: secret }],
      [[], { TUNNEL_SERVICE_TOKEN_ID: "id.access", TUNNEL_SERVICE_TOKEN_SECRET: secret }],
    ];
    for (const [flags, environment] of ways) {
      peer.requests.length = 0;
      const curl = await person.runOnTerminal(["access", "curl", "-s", ...flags, url], environment);
      assert.equal(curl.status, 0, curl.stdout);
      const asked = peer.forwarded();
      assert.deepEqual(
        asked.map(({ headers }) => [
          headers["cf-access-client-id"],
          headers["cf-access-client-secret"],
        ]),
        [["id.access", secret]],
      );
    }
    const follow = await person.run(["access", "curl", "-sL", url], ways[1]?.[1]);
    assert.equal(follow.status, 125, "-L would carry it elsewhere (C11)");
    const half = await person.runOnTerminal(["access", "curl", "-s", url], {
      POSTERN_SERVICE_TOKEN_ID: "id.access",
    });
    assert.equal(half.status, 125);
    for (const command of ["login", "token"])
      assert.equal((await person.runOnTerminal(["access", command, url], ways[1]?.[1])).status, 2);
    assert.deepEqual(person.opened(), []);
  },
);
