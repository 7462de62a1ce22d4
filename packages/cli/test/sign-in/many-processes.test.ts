// Many processes that need a sign-in at once, and a machine at which nobody sits (case C14).
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { leaveOut, needs } from "../../../../test/support/requirements.ts";
import { withoutLinks } from "../support/no-links.ts";
import { startPeer } from "../support/peer.ts";
import { bin, type Machine, machine } from "../support/terminal.ts";

const nobody = "exit 0";
const onLinux = process.platform === "linux" ? {} : leaveOut("Linux");

function locks({ home }: Machine): string[] {
  return readdirSync(join(home, "locks")).filter((name) => !name.endsWith(".outcome"));
}

/** @returns `linkless`: variables for a file system without hard links */
async function linklessScene(context: TestContext) {
  const peer = await startPeer(context);
  const person = machine(context);
  return { peer, person, linkless: withoutLinks(person.directory) };
}

test("200 processes that need a token at once open one browser, and each has its token", {
  ...onLinux,
  ...needs("script"),
}, async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const outputs = join(person.directory, "outputs");
  // Each reads its token into a file; standard error is the terminal that all of them share.
  const token = `'${process.execPath}' '${bin}' access token '${peer.origin("app")}'`;
  const script = join(person.directory, "all.sh");
  writeFileSync(
    script,
    `mkdir '${outputs}'\nfor each in $(seq 200); do ${token} > '${outputs}'/$each & done\nwait\n`,
  );
  const all = await person.runUnder(["script", "-qec", `sh '${script}'`, "/dev/null"]);
  assert.equal(all.status, 0, all.stdout);
  const tokens = readdirSync(outputs).map((name) => readFileSync(join(outputs, name), "utf8"));
  assert.equal(tokens.length, 200);
  for (const each of tokens) assert.match(each, /^eyJ/, all.stdout.slice(-2_000));
  assert.equal(person.opened().length, 1);
  assert.deepEqual(locks(person), []);
});

test("twenty processes at once open one browser where files have no second name", {
  ...onLinux,
  ...needs("cc"),
}, async (context) => {
  const { peer, person, linkless } = await linklessScene(context);
  const logins = Array.from({ length: 20 }, () =>
    person.run(["access", "login", peer.origin("app")], linkless),
  );
  for (const { status, stderr } of await Promise.all(logins)) assert.equal(status, 0, stderr);
  assert.equal(person.opened().length, 1);
  assert.deepEqual(locks(person), []);
});

test("the lock of a process that was killed is taken over where files have no second name", {
  ...onLinux,
  ...needs("cc"),
}, async (context) => {
  const { peer, person, linkless } = await linklessScene(context);
  const url = peer.origin("app");
  const killed = person.start(["access", "login", "--no-browser", url], linkless);
  await killed.until(/\/cdn-cgi\/access\/cli/);
  killed.child.kill("SIGKILL");
  await killed.ended;
  assert.equal(locks(person).length, 1);
  const next = await person.run(["access", "login", url], linkless);
  assert.equal(next.status, 0, next.stderr);
  assert.doesNotMatch(next.stderr, /waiting for it/);
  assert.deepEqual(locks(person), []);
});

test("a machine at which nobody sits opens no second window for a sign-in that nobody answered", {
  ...onLinux,
  ...needs("script"),
}, async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, nobody);
  const login = ["access", "login", "--timeout", "1s", peer.origin("app")];
  // 1. Nobody answers: the first command waits, and the next ones do not.
  assert.equal((await person.run(login)).status, 6);
  for (const command of [login, ["access", "login", peer.origin("other")]]) {
    const { status, stdout, stderr } = await person.run(command);
    assert.deepEqual([status, stdout], [3, ""], stderr);
    assert.match(stderr, /nobody answered the last sign-in at .* for 1\d minutes; sign in at one/);
  }
  assert.equal(person.opened().length, 1);
  // 2. Without a window there is nothing to open twice.
  const printed = await person.run([...login, "--no-browser"]);
  assert.equal(printed.status, 6, printed.stderr);
  // 3. A person at a terminal is asked again.
  assert.equal((await person.runOnTerminal(login)).status, 6);
  assert.equal(person.opened().length, 2);
});

test("once somebody has answered, or the time is over, a machine without a terminal may ask again", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, nobody);
  const url = peer.origin("app");
  const login = ["access", "login", "--timeout", "1s", url];
  const outcome = () => {
    const [name = ""] = readdirSync(join(person.home, "locks"));
    return join(person.home, "locks", name);
  };
  assert.equal((await person.run(login)).status, 6);
  // Each one that nobody answers makes the rest longer.
  for (const [unanswered, minutes] of [
    [1, 15],
    [2, 30],
    [3, 60],
    [20, 480],
  ] as const) {
    const before = JSON.parse(readFileSync(outcome(), "utf8"));
    const at = (age: number) => Date.now() - age * 60_000;
    const write = (age: number) =>
      writeFileSync(outcome(), JSON.stringify({ ...before, unanswered, at: at(age) }));
    write(minutes - 2);
    assert.equal((await person.run(login)).status, 3, `${unanswered}`);
    write(minutes + 1);
    assert.equal((await person.run(login)).status, 6, `${unanswered}`);
    assert.equal(JSON.parse(readFileSync(outcome(), "utf8")).unanswered, unanswered + 1);
  }
});
