// Tokens sealed with a key in the system's keychain, and the choice between that and plain files.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { canUnlock, hasSessionBus } from "../../src/store/keychain.ts";
import { startKeychain, withKeychain } from "../support/keychain.ts";
import { startPeer } from "../support/peer.ts";
import { type Machine, machine } from "../support/terminal.ts";

/** A person who has a keychain, and a gateway. */
async function setUp(context: TestContext) {
  const keychain = await startKeychain(context);
  const peer = await startPeer(context);
  const person = machine(context);
  Object.assign(person.environment, keychain.environment);
  return { keychain, peer, person, url: peer.origin("app") };
}

/** The head and the claims of a token; three letters alone stand in anything that is sealed. */
const token = /eyJ[\w-]+\.eyJ/;

/** Every file of the home that holds a token in clear. */
function clearTokens({ home }: Machine): string[] {
  const names = readdirSync(home, { recursive: true }) as string[];
  return names.filter((name) => {
    const path = join(home, name);
    return statSync(path).isFile() && token.test(readFileSync(path, "utf8"));
  });
}

function choiceOf({ home }: Machine): Record<string, unknown> {
  return JSON.parse(readFileSync(join(home, "stores", "default.json"), "utf8"));
}

test(
  "tokens of whoever has a keychain are sealed in their files, and serve as ever",
  withKeychain,
  async (context) => {
    const { person, url } = await setUp(context);
    const login = await person.run(["access", "login", url]);
    assert.equal(login.status, 0, login.stderr);
    assert.deepEqual(clearTokens(person), []);
    assert.equal(choiceOf(person)["store"], "keychain");
    // Without a screen the keychain is asked in another way.
    for (const screen of [{ DISPLAY: ":0" }, { DISPLAY: "" }]) {
      const token = await person.run(["access", "token", url], screen);
      assert.equal(token.status, 0, token.stderr);
      assert.match(token.stdout, /^eyJ/);
      const list = await person.run(["access", "list"], screen);
      assert.equal(list.status, 0, list.stderr);
    }
    assert.equal(person.opened().length, 1);
    const logout = await person.run(["access", "logout", url], { DISPLAY: "" });
    assert.equal(logout.status, 0, logout.stderr);
    assert.equal((await person.run(["access", "token", url])).status, 3);
  },
);

test("who has no keychain keeps tokens in files, and the keychain is looked for once", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const bare = { POSTERN_TOKEN_STORE: "", DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" };
  assert.equal((await person.run(["access", "login", peer.origin("app")], bare)).status, 0);
  assert.deepEqual(choiceOf(person), { store: "file" });
  assert.equal(clearTokens(person).length, 2);
});

test(
  "a store that was chosen before stays, and moves there and back when it is asked for",
  withKeychain,
  async (context) => {
    const { person, url } = await setUp(context);
    // 1. Files, as before there was a keychain.
    const files = { POSTERN_TOKEN_STORE: "file" };
    assert.equal((await person.run(["access", "login", url], files)).status, 0);
    const inFiles = await person.run(["access", "token", url]);
    assert.equal(clearTokens(person).length, 2);
    // 2. Into the keychain.
    const keychain = { POSTERN_TOKEN_STORE: "keychain" };
    assert.deepEqual(await person.run(["access", "token", url], keychain), inFiles);
    assert.deepEqual(clearTokens(person), []);
    assert.deepEqual(await person.run(["access", "token", url]), inFiles);
    // 3. And back.
    assert.deepEqual(await person.run(["access", "token", url], files), inFiles);
    assert.equal(clearTokens(person).length, 2);
    assert.deepEqual(await person.run(["access", "token", url]), inFiles);
    assert.equal(person.opened().length, 1);
  },
);

test(
  "a keychain that is gone later is named, and no token goes into a file in its place",
  withKeychain,
  async (context) => {
    const { keychain, person, url } = await setUp(context);
    assert.equal((await person.run(["access", "login", url])).status, 0);
    const gone: [string, Record<string, string>][] = [
      ["no bus", { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" }],
      ["no bus at all", { DBUS_SESSION_BUS_ADDRESS: "", XDG_RUNTIME_DIR: "" }],
    ];
    for (const [name, environment] of gone)
      for (const command of ["token", "login"]) {
        const { status, stdout, stderr } = await person.run(["access", command, url], environment);
        assert.deepEqual([status, stdout], [1, ""], `${name}: ${stderr}`);
        assert.match(stderr, /^postern: the system's keychain has the key of the stored tokens/);
        assert.equal(stderr.trim().split("\n").length, 1);
      }
    assert.deepEqual(clearTokens(person), []);
    // What is stored can be forgotten all the same, and then another store may be chosen.
    await person.run(["access", "logout", "--all"], gone[0]?.[1]);
    const list = await person.run(["access", "list", "--json"]);
    assert.equal(list.stdout, "[]\n");
    await keychain.stop();
    const files = { POSTERN_TOKEN_STORE: "file" };
    assert.equal((await person.run(["access", "login", url], files)).status, 0);
  },
);

test(
  "a keychain that is locked costs seconds and says so, where nobody can unlock it",
  withKeychain,
  async (context) => {
    const { keychain, person, url } = await setUp(context);
    assert.equal((await person.run(["access", "login", url])).status, 0);
    await keychain.stop();
    await keychain.startLocked();
    const { status, stderr } = await person.run(["access", "token", url], { DISPLAY: "" });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /keychain .* cannot be used/);
  },
);

test(
  "twenty processes that choose the keychain at once have one key and one sign-in",
  withKeychain,
  async (context) => {
    const { person, url } = await setUp(context);
    const logins = Array.from({ length: 20 }, () => person.run(["access", "login", url]));
    for (const { status, stderr } of await Promise.all(logins)) assert.equal(status, 0, stderr);
    assert.deepEqual(clearTokens(person), []);
    assert.equal(person.opened().length, 1);
  },
);

test("processes that move the tokens at once lose none", withKeychain, async (context) => {
  const { person, url } = await setUp(context);
  assert.equal((await person.run(["access", "login", url])).status, 0);
  const ways = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "file" : "keychain"));
  const runs = ways.map((store) =>
    person.run(["access", "token", url], { POSTERN_TOKEN_STORE: store }),
  );
  for (const { status, stderr, stdout } of await Promise.all(runs)) {
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^eyJ/);
  }
  assert.equal(person.opened().length, 1);
});

test("a sealed token in the place of another one is not opened", withKeychain, async (context) => {
  const { person, url, peer } = await setUp(context);
  assert.equal((await person.run(["access", "login", url])).status, 0);
  const record = (name: RegExp) => {
    const names = readdirSync(join(person.home, "tokens"), { recursive: true }) as string[];
    return join(person.home, "tokens", names.find((each) => name.test(each)) ?? "");
  };
  const [org, app] = [record(/org\.json$/), record(/app\..*\.json$/)];
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  // Somebody who can write the file would have the session sent to the application's host.
  writeFileSync(app, JSON.stringify({ ...read(app), sealed: read(org).sealed }));
  const requests = peer.requests.length;
  const { status, stdout, stderr } = await person.run(["access", "token", url]);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /a stored token is damaged, or belongs to another profile/);
  assert.equal(peer.requests.length, requests);
});

test("an unknown token store is refused before anything happens", async (context) => {
  const person = machine(context);
  const { status, stderr } = await person.run(["access", "list"], { POSTERN_TOKEN_STORE: "vault" });
  assert.equal(status, 2);
  assert.match(stderr, /^postern: POSTERN_TOKEN_STORE: "vault" is unknown/);
});

test("a keychain is asked directly where somebody can unlock it, and only where there is a bus", () => {
  assert.equal(canUnlock({}, "darwin"), true);
  assert.equal(canUnlock({}, "win32"), true);
  assert.equal(canUnlock({}, "linux"), false);
  assert.equal(canUnlock({ DISPLAY: ":0" }, "linux"), true);
  assert.equal(canUnlock({ WAYLAND_DISPLAY: "wayland-0" }, "linux"), true);
  const nothing = () => false;
  assert.equal(hasSessionBus({}, "darwin", nothing), true);
  assert.equal(hasSessionBus({}, "linux", nothing), false);
  assert.equal(hasSessionBus({ XDG_RUNTIME_DIR: "/run/user/1" }, "linux", nothing), false);
  const bus = (path: string) => path === "/run/user/1/bus";
  assert.equal(hasSessionBus({ XDG_RUNTIME_DIR: "/run/user/1" }, "linux", bus), true);
  assert.equal(hasSessionBus({ DBUS_SESSION_BUS_ADDRESS: "unix:" }, "linux", nothing), true);
});
