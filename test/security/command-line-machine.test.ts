// The command line on a machine with other people and other programs (security-cases 2.6): files
// that somebody else may have read or planted, and strings that try to steer the terminal or to
// become a command.
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { json, type Peer, startPeer } from "../../packages/cli/test/support/peer.ts";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import { needs } from "../support/requirements.ts";

async function signedIn(
  context: TestContext,
): Promise<{ peer: Peer; person: Machine; url: string; token: string }> {
  const peer = await startPeer(context);
  const person = machine(context);
  const url = peer.origin("app");
  const { stdout: token } = await person.run(["access", "login", "--no-verbose", url]);
  assert.notEqual(token, "");
  peer.requests.length = 0;
  return { peer, person, url, token };
}

test("what is stored is its owner's alone, whatever the umask (C12)", async (context) => {
  for (const umask of [0, 0o777]) {
    const before = process.umask(umask);
    const scene = signedIn(context).finally(() => process.umask(before));
    const { person } = await scene;
    for (const name of ["", ...(readdirSync(person.home, { recursive: true }) as string[])]) {
      const stats = statSync(join(person.home, name));
      assert.equal((stats.mode & 0o777).toString(8), stats.isDirectory() ? "700" : "600", name);
    }
  }
});

test(
  "a token file that somebody else may have read or planted is refused (C12)",
  needs("curl"),
  async (context) => {
    const { person, url, token } = await signedIn(context);
    const names = readdirSync(join(person.home, "tokens"), { recursive: true }) as string[];
    const file = join(
      person.home,
      "tokens",
      names.find((name) => name.includes("app.localhost")) ?? "",
    );
    const directory = join(file, "..");
    const elsewhere = join(person.directory, "elsewhere");
    const moved = (path: string) => {
      renameSync(path, elsewhere);
      symlinkSync(elsewhere, path);
    };
    const movedBack = (path: string) => {
      unlinkSync(path);
      renameSync(elsewhere, path);
    };
    const ways: [string, () => void, () => void][] = [
      ["group-readable", () => chmodSync(file, 0o640), () => chmodSync(file, 0o600)],
      ["writable by all", () => chmodSync(file, 0o602), () => chmodSync(file, 0o600)],
      ["a symbolic link", () => moved(file), () => movedBack(file)],
      ["a hard link", () => linkSync(file, elsewhere), () => unlinkSync(elsewhere)],
      [
        "in a directory that others can write to",
        () => chmodSync(directory, 0o770),
        () => chmodSync(directory, 0o700),
      ],
      ["in a directory that is a link", () => moved(directory), () => movedBack(directory)],
      [
        "below a home that others can write to",
        () => chmodSync(person.home, 0o777),
        () => chmodSync(person.home, 0o700),
      ],
      ["below a home that is a link", () => moved(person.home), () => movedBack(person.home)],
    ];
    // Only root can give a file away.
    if (process.getuid?.() === 0)
      ways.push([
        "another user's",
        () => chownSync(file, 65_534, 65_534),
        () => chownSync(file, 0, 0),
      ]);
    for (const [what, spoil, mend] of ways) {
      spoil();
      for (const args of [["token", url], ["list"], ["curl", "-s", url]]) {
        const run = await person.run(["access", ...args]);
        assert.notEqual(run.status, 0, `${what}: ${args[0]}`);
        assert.ok(!(run.stdout + run.stderr).includes(token), what);
        assert.match(
          run.stderr,
          /^postern: .* and is not used: somebody else may control it/,
          `${what}: ${args[0]}`,
        );
      }
      // With a slash at its end a link would be followed before it is looked at.
      const slashed = await person.run(["access", "token", url], {
        POSTERN_HOME: `${person.home}//`,
      });
      assert.deepEqual([slashed.status, slashed.stdout], [1, ""], what);
      mend();
      assert.equal((await person.run(["access", "token", url])).stdout, token, `${what}, mended`);
    }
  },
);

test(
  "nothing is read from the working directory: no configuration, no token, no program (C12)",
  needs("curl", "wget"),
  async (context) => {
    const { peer, person, url, token } = await signedIn(context);
    const evil = await startPeer(context, { hosts: ["evil"] });
    const planted = join(person.directory, "cwd");
    mkdirSync(join(planted, ".config", "postern"), { recursive: true });
    for (const name of [".curlrc", "curlrc", ".config/curlrc"])
      writeFileSync(join(planted, name), `location\nurl = "${evil.origin("evil")}"\n`);
    for (const name of ["postern.yaml", "postern.json", ".postern", ".posternrc", "config.json"])
      writeFileSync(join(planted, name), "{");
    for (const name of ["curl", "wget", "xdg-open"]) {
      writeFileSync(join(planted, name), `#!/bin/sh\ntouch '${join(person.directory, "ran")}'\n`);
      chmodSync(join(planted, name), 0o755);
    }
    // An empty part of PATH is the working directory; so is a dot.
    const PATH = `:.:${person.environment["PATH"]}`;
    const inside = person.in(planted).run;
    assert.equal((await inside(["access", "token", url], { PATH })).stdout, token);
    const curl = await inside(["access", "curl", "-s", `${url}/x`], { PATH });
    assert.equal(curl.stdout, "hello from app.localhost\n", curl.stderr);
    assert.equal(
      (await inside(["access", "login", "--profile", "new", "-q", url], { PATH })).status,
      0,
    );
    assert.ok(!existsSync(join(person.directory, "ran")));
    assert.deepEqual(evil.requests, []);
    assert.equal(peer.forwarded().length, 1);
    const relative = await inside(["access", "token", url], { POSTERN_HOME: "home" });
    assert.deepEqual(
      [relative.status, relative.stdout],
      [2, ""],
      "a home that depends on the directory is no home",
    );
  },
);

const steering = "\u001b]0;owned\u0007\u001b[2J\r\u009b31m\u202eevil\nSigned in as root";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

test("strings from a server reach the terminal as text and never steer it (C15)", async (context) => {
  const { peer, person, url } = await signedIn(context);
  peer.person = `ada${steering}@example.com`;
  peer.answer = (seen, response) => {
    if (seen.url !== "/cdn-cgi/access/get-identity") return false;
    json(response, 200, {
      email: peer.person,
      name: steering,
      groups: [steering],
      idp: { type: steering },
    });
    return true;
  };
  const shown = [
    await person.run(["access", "login", "--profile", "hostile", url]),
    await person.run(["access", "list", "--profile", "hostile"]),
    await person.run(["access", "list", "--json", "--profile", "hostile"]),
    await person.run(["access", "whoami", url]),
    await person.run(["access", "whoami", "--json", url]),
    await person.run(["access", "token", "--profile", "hostile", "--format", "json", url]),
  ];
  peer.answer = (seen, response) => {
    if (seen.url.startsWith("/transfer/")) json(response, 410, { error: steering });
    else return false;
    return true;
  };
  shown.push(await person.run(["access", "login", "--profile", "third", url]));
  for (const { stdout, stderr } of shown) {
    assert.doesNotMatch(stdout + stderr, raw);
    assert.doesNotMatch(stdout + stderr, /^Signed in as root/m);
  }
  assert.match(
    shown[0]?.stderr ?? "",
    /Signed in as ada\\x1b\]0;owned\\x07/,
    "it is shown, and shows what it is",
  );
  const [entry] = JSON.parse(shown[2]?.stdout ?? "") as { email: string }[];
  assert.equal(entry?.email, peer.person, "JSON says the same in its own escapes");
  assert.equal((JSON.parse(shown[4]?.stdout ?? "") as { name: string }).name, steering);
});

test("an error as JSON stays one line of JSON, whatever it quotes (C15)", async (context) => {
  const { person } = await signedIn(context);
  const run = await person.run([
    "access",
    "token",
    "--json",
    `https://${steering.replace("\n", " ")}/`,
  ]);
  assert.equal(run.status, 2);
  assert.doesNotMatch(run.stderr, raw);
  assert.equal((JSON.parse(run.stderr) as { error: { code: string } }).error.code, "usage");
});

test("a URL is never read as a command or as a flag (C15)", async (context) => {
  const { peer, person, url } = await signedIn(context);
  const trace = join(person.directory, "planted");
  const hostile = [
    `${url}/$(touch\${IFS}${trace})`,
    `${url}/\`touch\${IFS}${trace}\``,
    `${url}/;touch\${IFS}${trace}`,
    `${url}/?a=1&touch%20${trace}&calc.exe`,
    `${url}/|touch\${IFS}${trace}`,
    `${url}/"&calc.exe&"`,
    `${url}/--help`,
  ];
  for (const [index, each] of hostile.entries()) {
    const login = await person.run(["access", "login", "--profile", `p${index}`, each]);
    assert.equal(login.status, 0, `${each}: ${login.stderr}`);
    assert.equal(person.opened().length, index + 2, "the opener got the URL as one argument");
    assert.match(
      person.opened().at(-1) ?? "",
      /^http:\/\/app\.localhost:\d+\/cdn-cgi\/access\/cli\?[\w%.=&+~!*'()-]+$/,
    );
  }
  for (const flag of ["-oProxyCommand=x", "--upload-file=/etc/passwd", "-K/etc/passwd"]) {
    assert.equal((await person.run(["access", "login", flag])).status, 2, flag);
    assert.equal((await person.run(["access", "login", "--", flag])).status, 2, flag);
    assert.equal((await person.run(["access", "token", "--app", flag])).status, 2, flag);
  }
  assert.ok(!existsSync(trace));
  assert.equal(person.opened().length, hostile.length + 1);
  assert.ok(peer.requests.every(({ url: asked }) => !asked.includes("passwd")));
});

test("a redirect that steers the terminal is shown as text (C15)", async (context) => {
  const { peer, person } = await signedIn(context);
  peer.answer = (seen, response) => {
    if (!seen.host.startsWith("other.") || seen.headers["cf-access-metadata-request"] !== undefined)
      return false;
    // Node writes no control characters into a header; a hostile server does.
    response.socket?.end(
      "HTTP/1.1 302 Found\r\nLocation: file:///\u009b2J\u00ad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "latin1",
    );
    return true;
  };
  const run = await person.run(["access", "token", "--debug", peer.origin("other")]);
  assert.equal(run.status, 5);
  assert.doesNotMatch(run.stdout + run.stderr, raw);
});
