// A login that waits: gateways that restart, polls that die without a word, and tokens that the
// gateway must know to have arrived.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import { findApplication } from "../../src/gateway-client/app-metadata.ts";
import { mailboxOf, pollRelay } from "../../src/sign-in/relay-poll.ts";
import { surroundings } from "../support/context.ts";
import { end, type Peer, startPeer } from "../support/peer.ts";
import { type Machine, machine } from "../support/terminal.ts";

const isPoll = (method: string, url: string) => method === "GET" && url.startsWith("/transfer/");

async function waiting(context: TestContext) {
  const peer = await startPeer(context);
  const where = surroundings(context);
  const application = await findApplication(where, readAppUrl(peer.origin("app")));
  const poll = (timeout: number) =>
    pollRelay(where, mailboxOf(application, new Uint8Array(32)), { timeout });
  return { peer, where, poll };
}

function polls(peer: Peer): number {
  return peer.requests.filter(({ method, url }) => isPoll(method, url)).length;
}

test("polls say that their box will be confirmed, and it is once the tokens are stored", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  assert.equal((await person.run(["access", "login", peer.origin("app")])).status, 0);
  const [opening, poll, confirmation] = peer.requests.filter(({ url }) =>
    url.startsWith("/transfer/"),
  );
  assert.deepEqual([opening?.method, opening?.url], ["POST", poll?.url]);
  assert.equal(poll?.headers["cf-access-transfer-confirm"], "1");
  assert.deepEqual([confirmation?.method, confirmation?.url], ["DELETE", poll?.url]);
});

test("a gateway that knows no confirmation, refuses it, or dies before it costs no login", async (context) => {
  for (const answer of [404, 405, 500, "reset"] as const) {
    const peer = await startPeer(context);
    const person = machine(context);
    peer.answer = (seen, response) => {
      if (seen.method !== "DELETE") return false;
      if (answer === "reset") response.socket?.destroy();
      else end(response, answer);
      return true;
    };
    const login = await person.run(["access", "login", peer.origin("app")]);
    assert.equal(login.status, 0, `${answer}: ${login.stderr}`);
  }
});

test("a gateway that is away when the fresh token would be checked costs no login", async (context) => {
  const answers = ["reset", 502, 503, 500] as const;
  for (const answer of answers) {
    const peer = await startPeer(context);
    const person = machine(context);
    peer.answer = (seen, response) => {
      if (!seen.url.includes("cloudflared_token_check")) return false;
      if (answer === "reset") response.socket?.destroy();
      else end(response, answer);
      return true;
    };
    const login = await person.run(["access", "login", peer.origin("app")]);
    assert.equal(login.status, 0, `${answer}: ${login.stderr}`);
    assert.equal((await person.run(["access", "token", peer.origin("app")])).status, 0);
  }
});

test("more failures than polls may be silent do not end the wait, whatever stands before the gateway", async (context) => {
  const { peer, where, poll } = await waiting(context);
  const failures = ["reset", 502, 503, 504, 429, "reset", "reset", 502, 503, 504, 429, "reset"];
  peer.answer = (seen, response) => {
    if (!isPoll(seen.method, seen.url)) return false;
    const failure = failures.shift();
    if (failure === undefined) response.end("box");
    else if (typeof failure === "number") end(response, failure);
    else response.socket?.destroy();
    return true;
  };
  assert.equal((await poll(120_000)).body, "box");
  assert.equal(polls(peer), 13);
  assert.equal(where.told.filter((line) => line.startsWith("Still waiting")).length, 1);
});

test("a machine that has slept polls anew at once, and a step of the clock ends no wait", async (context) => {
  const { peer, where, poll } = await waiting(context);
  for (const step of [3600_000, -3600_000, 24 * 3600_000]) {
    let isDead = true;
    peer.answer = (seen, response) => {
      if (!isPoll(seen.method, seen.url)) return false;
      // The first one is never answered: its connection died without a word.
      if (isDead) where.ahead += step;
      else response.end("box");
      isDead = false;
      return true;
    };
    assert.equal((await poll(50_000)).body, "box");
  }
});

test("a login that a signal ends leaves no lock behind, and ends as any program does", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const url = peer.origin("app");
  const commands = [
    ["login", "--no-browser", url],
    ["login", "--no-browser", "--quiet", url],
  ];
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    for (const command of commands) {
      const running = person.start(["access", ...command]);
      await running.until(/Open this page/);
      assert.equal(locks(person).length, 1);
      running.child.kill(signal);
      await running.ended;
      assert.equal(running.child.signalCode, signal);
      assert.deepEqual(locks(person), []);
    }
  }
  // What cannot be caught leaves it to those who wait for it.
  const killed = person.start(["access", "login", "--no-browser", url]);
  await killed.until(/Open this page/);
  const waiting = person.start(["access", "login", url]);
  await waiting.until(/Another process/);
  killed.child.kill("SIGKILL");
  assert.equal(await waiting.ended, 0, waiting.stderr());
});

function locks({ home }: Machine): string[] {
  return readdirSync(join(home, "locks")).filter((name) => name.endsWith(".lock"));
}
