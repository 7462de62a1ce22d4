// Signing in from a terminal, against a peer that speaks the protocol: what the person sees, what
// is stored, and which requests are made for it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { end, startPeer } from "../support/peer.ts";
import { bin, machine } from "../support/terminal.ts";

const jws = /[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/;

test("a person signs in, and is told as whom, to what, where and until when", async (context) => {
  const peer = await startPeer(context);
  const { run, opened } = machine(context);
  const login = await run(["access", "login", peer.origin("app")]);
  assert.equal(login.status, 0, login.stderr);
  assert.equal(login.stdout, "", "the token is printed only where it was asked for (C10)");
  const told = `✓ Signed in as ada@example\\.com to app\\.localhost:${peer.port} until `;
  assert.match(login.stderr, new RegExp(`${told}(?:[\\d-]{10} )?\\d\\d:\\d\\d \\(60 minutes\\)\n`));
  assert.match(login.stderr, new RegExp(`team domain {2}login\\.localhost:${peer.port}`));
  assert.match(login.stderr, /[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
  assert.doesNotMatch(login.stderr, jws, "no token on standard error either (C10)");
  const [url = ""] = opened();
  assert.match(
    login.stderr,
    new RegExp(url.replace(/[?.+*]/g, "\\$&").slice(0, 60)),
    "the URL is printed as well",
  );
  assert.deepEqual(
    [...new URL(url).searchParams.keys()],
    ["aud", "edge_token_transfer", "redirect_url", "send_org_token", "token"],
  );
});

test("the token is printed alone with --no-verbose, and nothing at all with -q", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  const login = await run(["access", "login", "--no-verbose", peer.origin("app")]);
  assert.match(login.stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const quiet = await run(["access", "login", "-q", peer.origin("app")]);
  assert.deepEqual([quiet.status, quiet.stdout, quiet.stderr], [0, "", ""]);
});

test("a stored token is printed without a single request, however the URL is given", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  const origin = peer.origin("app");
  const { stdout } = await run(["access", "login", "--no-verbose", origin]);
  const before = peer.requests.length;
  for (const args of [
    [`-app=${origin}`],
    ["-app", origin],
    [`--app=${origin}`],
    ["--app", origin],
    [origin],
    [`${origin}/deep/path?x=1#y`],
    [`app.localhost:${peer.port}`],
  ]) {
    assert.deepEqual(
      await run(["access", "token", ...args]),
      { status: 0, stdout, stderr: "" },
      args.join(" "),
    );
  }
  assert.equal(peer.requests.length, before);
});

test("access token speaks the formats that other tools read", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  const origin = peer.origin("app");
  const { stdout: token } = await run(["access", "login", "--no-verbose", origin]);
  const format = async (name: string) =>
    (await run(["access", "token", "--format", name, origin])).stdout;
  assert.equal(await format("header"), `cf-access-token: ${token}\n`);
  assert.equal(
    await format("env"),
    `export ACCESS_TOKEN='${token}'\nexport ACCESS_HEADER='cf-access-token: ${token}'\n`,
  );
  assert.equal((JSON.parse(await format("json")) as { token: string }).token, token);
  const credential = JSON.parse(await format("exec-credential")) as {
    kind: string;
    status: { token: string; expirationTimestamp: string };
  };
  assert.equal(credential.kind, "ExecCredential");
  assert.equal(credential.status.token, token);
  assert.match(credential.status.expirationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal((await run(["access", "token", "--format", "xml", origin])).status, 2);
});

test("without a session and without a terminal, access token fails with status 3 and asks nobody", async (context) => {
  const peer = await startPeer(context);
  const { run, opened } = machine(context);
  for (const environment of [{}, { CI: "1" }]) {
    const token = await run(["access", "token", `-app=${peer.origin("app")}`], environment);
    assert.deepEqual([token.status, token.stdout], [3, ""]);
    assert.match(token.stderr, /^postern: not signed in .*\n$/);
  }
  assert.equal(peer.requests.length, 0);
  assert.deepEqual(opened(), []);
});

test("on a terminal access token signs in first, unless told not to", async (context) => {
  const peer = await startPeer(context);
  const { runOnTerminal, opened } = machine(context);
  const refused = await runOnTerminal(["access", "token", "--no-login", peer.origin("app")]);
  assert.equal(refused.status, 3);
  assert.equal(
    (await runOnTerminal(["access", "token", peer.origin("app")], { CI: "1" })).status,
    3,
  );
  assert.deepEqual(opened(), []);
  const token = await runOnTerminal(["access", "token", peer.origin("app")]);
  assert.equal(token.status, 0, token.stdout);
  assert.match(token.stdout, jws);
  assert.equal(opened().length, 1);
});

test("a second application of the same team needs no browser, and the org token goes to the login page alone (C11)", async (context) => {
  const peer = await startPeer(context);
  const { run, opened, home } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  const team = join(
    home,
    "tokens",
    "default",
    readdirSync(join(home, "tokens", "default"))[0] ?? "",
  );
  const org = (JSON.parse(readFileSync(join(team, "org.json"), "utf8")) as { token: string }).token;
  peer.requests.length = 0;
  const token = await run(["access", "token", peer.origin("other")]);
  assert.equal(token.status, 0, token.stderr);
  assert.equal(opened().length, 1);
  const carriers = peer.requests.filter((seen) => JSON.stringify(seen).includes(org));
  assert.deepEqual(
    carriers.map(({ host, url }) => host + url.split("?")[0]),
    [`login.localhost:${peer.port}/cdn-cgi/access/login/other.localhost:${peer.port}`],
  );
  const sessions = peer.requests.filter(({ headers }) => headers.cookie?.includes("CF_AppSession"));
  assert.deepEqual(
    sessions.map(({ url }) => url.split("?")[0]),
    ["/cdn-cgi/access/authorized"],
  );
});

test("started as cloudflared it prints what the official client prints", async (context) => {
  const peer = await startPeer(context);
  const { run, directory } = machine(context);
  const { stdout: token } = await run(["access", "login", "--no-verbose", peer.origin("app")]);
  const link = join(directory, "cloudflared");
  symlinkSync(bin, link);
  const { spawnSync } = await import("node:child_process");
  const environment = { ...process.env, POSTERN_HOME: join(directory, "home") };
  const as = (...args: string[]) =>
    spawnSync(process.execPath, [link, ...args], { env: environment, encoding: "utf8" });
  const asked = await new Promise<string>((resolve) => {
    // Not spawnSync: the peer lives in this process and must answer.
    void import("node:child_process").then(({ execFile }) =>
      execFile(
        process.execPath,
        [link, "access", "login", peer.origin("app")],
        { env: environment },
        (_, out) => resolve(out),
      ),
    );
  });
  assert.equal(asked, `Successfully fetched your token:\n\n${token}\n\n`);
  assert.equal(as("access", "token", `-app=${peer.origin("app")}`).stdout, token);
});

test("a login by another person than the one stored before is pointed out", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  // The gateway ends Ada's session; Bob approves the next one.
  let ended = true;
  peer.person = "bob@example.com";
  peer.answer = (seen, response) => {
    if (seen.url.startsWith("/cdn-cgi/access/login/")) end(response, 200);
    else if (seen.url.includes("cloudflared_token_check") && ended)
      end(response, 302, "/cdn-cgi/access/login/app.localhost");
    else return false;
    ended = false;
    return true;
  };
  const login = await run(["access", "login", peer.origin("app")]);
  assert.equal(login.status, 0, login.stderr);
  assert.match(
    login.stderr,
    /bob@example\.com approved this sign-in; until now, ada@example\.com was signed in/,
  );
});

test("logout ends the session at the gateway and deletes what is stored", async (context) => {
  const peer = await startPeer(context);
  const { run, home } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  const logout = await run(["access", "logout", peer.origin("app")]);
  assert.equal(logout.status, 0, logout.stderr);
  assert.equal(peer.revoked.size, 1);
  assert.equal((await run(["access", "token", peer.origin("app")])).status, 3);
  assert.equal((await run(["access", "list", "--json"])).stdout, "[]\n");
  assert.deepEqual(
    readdirSync(join(home, "tokens", "default"), { recursive: true }).filter((name) =>
      String(name).endsWith(".json"),
    ),
    [],
  );
});

test("logout from a gateway that is down deletes what is stored, and says that the session may live on", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  await peer.close();
  const logout = await run(["access", "logout"]);
  assert.equal(logout.status, 1);
  assert.match(logout.stderr, /may last until it expires/);
  assert.equal((await run(["access", "list", "--json"])).stdout, "[]\n");
});

test("access list says who is signed in to what, until when and where it is stored, and never the token", async (context) => {
  const peer = await startPeer(context);
  const { run, home } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  const [entry] = JSON.parse((await run(["access", "list", "--json"])).stdout) as Record<
    string,
    string
  >[];
  assert.equal(entry?.["application"], "app.localhost");
  assert.equal(entry?.["email"], "ada@example.com");
  assert.ok(entry?.["stored_in"]?.startsWith(home));
  const plain = await run(["access", "list"]);
  assert.match(
    plain.stdout,
    /^login\.localhost:\d+ {2}ada@example\.com\n {2}http:\/\/app\.localhost/,
  );
  assert.doesNotMatch(plain.stdout + JSON.stringify(entry), jws);
});

test("access whoami shows the identity that the gateway sees", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  assert.equal((await run(["access", "whoami", peer.origin("app")])).status, 3);
  await run(["access", "login", peer.origin("app")]);
  const whoami = await run(["access", "whoami", peer.origin("app")]);
  assert.match(whoami.stdout, /^ada@example\.com\n/);
  assert.equal(
    (
      JSON.parse((await run(["access", "whoami", "--json", peer.origin("app")])).stdout) as {
        email: string;
      }
    ).email,
    "ada@example.com",
  );
});

test("profiles keep two people apart", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  await run(["access", "login", peer.origin("app")]);
  peer.person = "bob@example.com";
  await run(["access", "login", "--profile", "bob", peer.origin("app")]);
  const email = async (...more: string[]) =>
    (
      JSON.parse(
        (await run(["access", "token", "--format", "json", ...more, peer.origin("app")])).stdout,
      ) as { email: string }
    ).email;
  assert.equal(await email(), "ada@example.com");
  assert.equal(await email("--profile", "bob"), "bob@example.com");
});
