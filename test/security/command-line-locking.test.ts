// Many processes that need a login at once, and logins that end badly (security-cases 2.6): one
// browser window, one answer, and nobody locked out afterwards.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { end, json, type Peer, startPeer } from "../../packages/cli/test/support/peer.ts";
import { type Finished, type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import type { Running } from "../support/cli.ts";
import { needs } from "../support/requirements.ts";

async function scene(context: TestContext): Promise<{ peer: Peer; person: Machine; url: string }> {
  const peer = await startPeer(context);
  return { peer, person: machine(context), url: peer.origin("app") };
}

function filesOf(person: Machine, kind: RegExp): string[] {
  return (readdirSync(person.home, { recursive: true }) as string[]).filter((name) =>
    kind.test(name),
  );
}

/** A login that was killed while it waited for the person. */
async function killedLogin(peer: Peer, person: Machine, url: string): Promise<void> {
  // Polls are held; the mailbox is opened before there is an address.
  peer.answer = ({ method, url: asked }) => method === "GET" && asked.startsWith("/transfer/");
  const killed = person.start(["access", "login", "--no-browser", url]);
  await killed.until(/cdn-cgi\/access\/cli/);
  killed.child.kill("SIGKILL");
  await killed.ended;
  assert.equal(filesOf(person, /\.lock$/).length, 1);
  peer.answer = undefined;
}

test("a gateway that refuses the token it has just issued ends the login, and the next one works (C13)", async (context) => {
  const { peer, person, url } = await scene(context);
  peer.answer = (seen, response) => {
    if (!seen.url.includes("cloudflared_token_check")) return false;
    end(response, 302, `${peer.team}/cdn-cgi/access/login/app.localhost`);
    return true;
  };
  const refused = await person.run(["access", "login", url]);
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(
    refused.stderr,
    /^postern: .* refused the token that .* has just issued for it; ask whoever runs the gateway$/m,
  );
  assert.deepEqual(
    filesOf(person, /^tokens.*\.json$|\.lock$/),
    [],
    "nothing is stored, nobody is locked out",
  );
  peer.answer = undefined;
  assert.equal((await person.run(["access", "login", url])).status, 0);
});

test("a gateway that refuses every fresh token does so to each of many at once: none waits for ever (C13, C14)", async (context) => {
  const { peer, person, url } = await scene(context);
  peer.answer = (seen, response) => {
    if (!seen.url.includes("cloudflared_token_check")) return false;
    end(response, 302, `${peer.team}/cdn-cgi/access/login/app.localhost`);
    return true;
  };
  const running = Array.from({ length: 6 }, () => person.start(["access", "login", url]));
  assert.deepEqual([...new Set(await Promise.all(running.map(({ ended }) => ended)))], [1]);
});

test("a login that was killed leaves a lock that the next one takes over (C13)", async (context) => {
  const { peer, person, url } = await scene(context);
  await killedLogin(peer, person, url);
  const login = await person.run(["access", "login", url]);
  assert.equal(login.status, 0, login.stderr);
  assert.doesNotMatch(login.stderr, /waiting/);
});

/** Starts many logins; the person approves when all others have said that they wait. */
async function manyLogins(
  peer: Peer,
  person: Machine,
  url: string,
  count: number,
): Promise<Finished[]> {
  let approve = () => {};
  const everybodyWaits = new Promise<void>((resolve) => {
    approve = resolve;
  });
  peer.answer = async (seen) => {
    if (seen.url.startsWith("/cdn-cgi/access/cli")) await everybodyWaits;
    return false;
  };
  const running: Running[] = [];
  // Ten at a time: that many start at once, and all wait together.
  while (running.length < count) {
    const more = Array.from({ length: Math.min(10, count - running.length) }, () =>
      person.start(["access", "login", "--no-verbose", url]),
    );
    await Promise.all(more.map(({ until }) => until(/waiting for it|should have opened/)));
    running.push(...more);
  }
  approve();
  return Promise.all(
    running.map(async (each) => ({
      status: await each.ended,
      stdout: each.stdout(),
      stderr: each.stderr(),
    })),
  );
}

test("thirty logins at once open one browser window, and all end with the token (C14)", async (context) => {
  const { peer, person, url } = await scene(context);
  const logins = await manyLogins(peer, person, url, 30);
  assert.deepEqual(
    [...new Set(logins.map(({ status }) => status))],
    [0],
    logins.find(({ status }) => status !== 0)?.stderr,
  );
  assert.equal(person.opened().length, 1);
  assert.equal(new Set(logins.map(({ stdout }) => stdout)).size, 1);
  assert.match(logins[0]?.stdout ?? "", /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const waited = logins.filter(({ stderr }) => stderr.includes("waiting for it"));
  assert.equal(waited.length, 29);
  for (const { stderr } of waited)
    assert.ok(
      stderr.includes(person.opened()[0] ?? "?"),
      "the others say where it can be approved",
    );
});

test("thirty logins behind the lock of a dead one open one browser window as well (C13, C14)", async (context) => {
  const { peer, person, url } = await scene(context);
  await killedLogin(peer, person, url);
  const logins = await manyLogins(peer, person, url, 30);
  assert.deepEqual([...new Set(logins.map(({ status }) => status))], [0]);
  assert.equal(person.opened().length, 1);
});

test("commands of two applications of one team share the window: the second is exchanged (C14)", async (context) => {
  const { peer, person, url } = await scene(context);
  let approve = () => {};
  const everybodyWaits = new Promise<void>((resolve) => {
    approve = resolve;
  });
  peer.answer = async (seen) => {
    if (seen.url.startsWith("/cdn-cgi/access/cli")) await everybodyWaits;
    return false;
  };
  const running = [url, peer.origin("other"), url, peer.origin("other")].map((each) =>
    person.start(["access", "login", "-q", each]),
  );
  await Promise.all(running.map(({ until }) => until(/waiting for it|should have opened/)));
  approve();
  assert.deepEqual(await Promise.all(running.map(({ ended }) => ended)), [0, 0, 0, 0]);
  assert.equal(person.opened().length, 1);
});

test("a person who says no is asked once, not once by each process that waited (C14)", async (context) => {
  const peer = await startPeer(context);
  // A terminal that had to wait for its turn on this machine polls anew: each poll gets the answer.
  const refuse = (response: ServerResponse) => json(response, 410, { error: "refused" });
  const held: ServerResponse[] = [];
  let isRefused = false;
  peer.answer = (seen, response) => {
    if (seen.method !== "GET" || !seen.url.startsWith("/transfer/")) return false;
    if (isRefused) refuse(response);
    else held.push(response);
    return true;
  };
  const person = machine(context, "exit 0");
  const running = Array.from({ length: 8 }, () =>
    person.start(["access", "login", peer.origin("app")]),
  );
  await Promise.all(running.map(({ until }) => until(/waiting for it|should have opened/)));
  isRefused = true;
  for (const response of held) refuse(response);
  assert.deepEqual([...new Set(await Promise.all(running.map(({ ended }) => ended)))], [6]);
  assert.equal(person.opened().length, 1);
});

test(
  "without a terminal nobody is asked at all, by however many (C14)",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await scene(context);
    const running = Array.from({ length: 8 }, (_, index) =>
      person.start(["access", index % 2 === 0 ? "token" : "curl", url], { CI: "1" }),
    );
    assert.deepEqual(
      [...new Set(await Promise.all(running.map(({ ended }) => ended)))].sort(),
      [125, 3],
    );
    // curl asks once who guards the URL: an open application needs nobody.
    const questions = ["/", "/cdn-cgi/access/certs"];
    const others = peer.requests.filter((seen) => !questions.includes(seen.url));
    assert.deepEqual([person.opened(), others, peer.forwarded()], [[], [], []]);
  },
);
