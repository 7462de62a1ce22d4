// The token goes to no host or port but the application's, and into no file that others can read,
// whatever options curl is given and however they are spelt.
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { end, type Peer, startPeer } from "../support/peer.ts";
import { bin, type Machine, machine } from "../support/terminal.ts";

interface Scene {
  peer: Peer;
  /** somebody else's server on the same machine, under the application's name and another */
  stranger: Peer;
  person: Machine;
  token: string;
}

/** A person with a token, whose application sends browsers on to a stranger. */
async function signedIn(context: TestContext): Promise<Scene> {
  const peer = await startPeer(context, { hosts: ["localhost"] });
  const stranger = await startPeer(context, { hosts: ["localhost", "stranger"] });
  const person = machine(context);
  const login = ["access", "login", "--no-verbose", peer.origin("localhost")];
  const { stdout: token } = await person.run(login);
  const ways: Record<string, string> = {
    "/port": `${stranger.origin("localhost")}/caught`,
    "/host": `${stranger.origin("stranger")}/caught`,
  };
  const redirect: Peer["answer"] = (seen, response) => {
    const [path = ""] = seen.url.split("?");
    const location = ways[path];
    if (location === undefined) return false;
    end(response, 302, location);
    return true;
  };
  peer.answer = redirect;
  stranger.answer = redirect;
  return { peer, stranger, person, token };
}

test("no option and no spelling of one takes the token to another host or port", async (context) => {
  const { peer, stranger, person, token } = await signedIn(context);
  const app = peer.origin("localhost");
  const other = stranger.origin("stranger");
  const headerFile = join(person.directory, "headers");
  writeFileSync(headerFile, "Accept: text/plain\r\nHost: localhost\r\n");
  const dashed = join(person.directory, "dashed");
  writeFileSync(dashed, "-L\n");
  const query = ["--token-in", "query"];
  const lines: string[][] = [
    ["-L", `${app}/port`],
    ["--LOCATION", `${app}/port`],
    ["--Locat", `${app}/port`],
    ["-K", dashed, `${app}/port`],
    ["--location-trusted", `${app}/port`],
    [`${app}/x`, "--next", "-sSL", `${other}/port`],
    ["-L", `${other}/port`, "-:", "-sS", `${app}/x`, "--next", "-sSL", `${other}/port`],
    [`${app}/x`, "--next", "-sSL", "--url", `${other}/port`],
    ["-L", "-H", "Host: localhost", `${app}/host`],
    ["-L", "--location-trusted", "--header", "host:localhost", `${app}/host`],
    ["-H", "HOST : localhost", `${app}/x`, `${other}/y`],
    [`-H@${headerFile}`, `${app}/x`, `${other}/y`],
    [`${app}/x`, "--next", "-sS", "--Header", "Host: localhost:1", `${other}/y`],
    ["-L", "-H", "Host: localhost:99999", `${app}/host`],
    ["-L", "-H", "Host: localhost:any:thing", `${app}/host`],
    ["-L", "-H", "Host:\tlocalhost:", `${app}/host`],
    ["-L", "-H", "Host: LOCALHOST", `${app}/host`],
    ["-L", "-H", "@/dev/stdin", `${app}/host`],
    [...query, "-L", "-e", ";auto", `${app}/host`],
    [...query, "-L", "--referer", `${app}/;auto`, `${app}/port`],
    [...query, "-L", "--REFER", ";auto", `${app}/port`],
  ];
  for (const line of lines) {
    stranger.requests.length = 0;
    const { stderr } = await person.run(["access", "curl", "-ar", "-sS", ...line]);
    const caught = JSON.stringify(stranger.requests).includes(token);
    assert.ok(!caught, `${line.join(" ")}: ${stderr}`);
  }
});

test("a Host header of the person's own goes on where it takes no token elsewhere", async (context) => {
  const { peer, person } = await signedIn(context);
  const app = peer.origin("localhost");
  for (const line of [
    ["-H", "Host: localhost"],
    ["-L", "-H", "Host: other.example"],
    ["-H", "X-Host: localhost", "-L"],
  ]) {
    const { status, stderr } = await person.run(["access", "curl", "-sS", ...line, `${app}/x`]);
    assert.equal(status, 0, `${line.join(" ")}: ${stderr}`);
  }
});

test("what curl writes about a request is for its owner alone", async (context) => {
  const { peer, person, token } = await signedIn(context);
  const app = peer.origin("localhost");
  const header = ["--token-in", "header"];
  const query = ["--token-in", "query"];
  const lines: string[][] = [
    ["--trace-ascii", "file"],
    ["--trace", "file"],
    ["--TRACE", "file"],
    ["-v", "--stderr", "file"],
    ["-sv", "--stderr", "file"],
    ["--trace", "%", "--stderr", "file"],
    ["--trace-ascii", "%", "--stderr", "file"],
    [...header, "--libcurl", "file"],
    [...query, "--libcurl", "file"],
    [...query, "--verbose", "--stder", "file"],
    ["-L", "-c", "file"],
    ["-L", "--cookie-j", "file"],
    ["-L", "--COOKIE-JAR", "file"],
    [`${app}/y`, "--next", "-sSL", "-c", "file"],
  ];
  const file = join(person.directory, "file");
  for (const line of lines) {
    const args = ["access", "curl", "-sS", ...line, `${app}/x`];
    writeFileSync(file, "", { mode: 0o644 });
    const refused = await person.run(args);
    assert.equal(refused.status, 125, `${line.join(" ")}: ${refused.stderr}`);
    assert.match(refused.stderr, /others can read; name another file, or run: chmod 600 file/);
    await person.runUnder(["rm", file]);
    const run = await person.run(args);
    assert.equal(run.status, 0, `${line.join(" ")}: ${run.stderr}`);
    assert.equal(statSync(file).mode & 0o777, 0o600, line.join(" "));
    const again = await person.run(args);
    assert.equal(again.status, 0, "its owner's own file is written again");
    await person.runUnder(["rm", file]);
  }
  // The sections of a line share their cookies: a jar of one gets those of all.
  const shared = ["access", "curl", "-sS", `${app}/x`, "--next", "-sS", "-c", "file", `${app}/y`];
  const run = await person.run(shared);
  assert.equal(run.status, 0, run.stderr);
  assert.ok(!existsSync(file) || !readFileSync(file, "utf8").includes(token));
  const kept = ["access", "curl", "-sS", ...query, "--xattr", "-o", "file", `${app}/x`];
  assert.equal((await person.run(kept)).status, 125);
});

test("what curl writes through a link that leads to no file yet is for its owner alone as well", async (context) => {
  const { peer, person } = await signedIn(context);
  const file = join(person.directory, "file");
  const args = ["access", "curl", "-sS", `${peer.origin("localhost")}/x`];
  for (const option of ["--trace", "--trace-ascii", "--libcurl"]) {
    symlinkSync("file", join(person.directory, "link"));
    const run = await person.run([...args, "--token-in", "header", option, "link"]);
    assert.equal(run.status, 0, run.stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600, option);
    await person.runUnder(["rm", file, join(person.directory, "link")]);
  }
});

test("no proxy of any kind stands before this machine's own names", async (context) => {
  const { peer, stranger, person } = await signedIn(context);
  const dead = "127.0.0.1:1";
  for (const line of [
    ["--socks5", dead],
    ["--socks5-hostname", dead],
    ["--SOCKS4a", dead],
    ["--preproxy", `socks5://${dead}`],
    ["-x", `socks5h://${dead}`],
    ["--proxy", stranger.origin("localhost")],
    ["--PROXY", stranger.origin("localhost")],
  ]) {
    stranger.requests.length = 0;
    const url = `${peer.origin("localhost")}/x`;
    const { status, stderr } = await person.run(["access", "curl", "-sS", ...line, url]);
    assert.equal(status, 0, `${line.join(" ")}: ${stderr}`);
    assert.deepEqual(stranger.requests, []);
  }
});

test("options come from a pipe as well as from a file", needs("bash"), async (context) => {
  const { peer, person } = await signedIn(context);
  const url = `${peer.origin("localhost")}/x`;
  const scripts = [
    `-K <(printf 'url = "%s"' "$3")`,
    `--config <(printf 'silent\\nurl=%s' "$3")`,
    `-sSK <(printf 'show-error') "$3"`,
    `-K <(printf 'url = %s' "$3") -K <(printf 'silent')`,
  ];
  for (const script of scripts) {
    const command = `"$1" "$2" access curl ${script}`;
    const run = await person.runUnder(["bash", "-c", command, "sh", process.execPath, bin, url]);
    assert.deepEqual([run.status, run.stdout], [0, "hello from localhost\n"], run.stderr);
  }
});
