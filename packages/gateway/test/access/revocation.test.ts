// Revocation where two gateways serve from one store: whoever is signed out, and whatever was
// issued for an application, is refused by both, with open streams and grants (case T8).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../../../../test/storage/backends.ts";
import { freePort, startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { startGrant } from "../../src/tokens/start-grant.ts";
import { identityOf } from "../tokens/token-fixture.ts";
import { ada, application, bob, everybody, hour } from "./access-fixture.ts";
import { openStream, type StreamingOrigin, startStreamingOrigin } from "./streaming-origin.ts";
import type { Peer } from "./upgrade-fixture.ts";

interface Pair {
  gateways: readonly [TestGateway, TestGateway];
  /** of streams, and of everything else */
  origin: StreamingOrigin;
  upstream: Upstream;
  /** that people see */
  port: number;
  /** the status of a request at each of the two */
  statuses(path: string, lines: readonly string[], host?: string): Promise<number[]>;
  /** a person's session, as a login would have begun it */
  session(email: string): Promise<StoredSession>;
  /** a stream at each of the two that is open at the origin */
  streams(name: string, lines: readonly string[], host?: string): Promise<Peer[]>;
}

async function startPair(context: TestContext): Promise<Pair> {
  const origin = await startStreamingOrigin(context);
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const port = await freePort();
  const sections = {
    auth_domain: `login.localhost:${port}`,
    public_ports: [port],
    organization: { name: "Test" },
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin", config: {} }],
    ingress: [
      { hostname: "*.localhost", path: "/websocket", service: origin.origin },
      { service: upstream.origin },
    ],
    applications: [application("app", [everybody]), application("other", [everybody])],
  };
  const store = join(temporaryFolder(context), "postern.db");
  const secretKey = randomBytes(32);
  const start = async () => {
    const gateway = await startGateway({ sections, secretKey, store });
    context.after(() => gateway.close());
    return gateway;
  };
  const gateways = [await start(), await start()] as const;
  const [one] = gateways;
  return {
    gateways,
    origin,
    upstream,
    port,
    async statuses(path, lines, host = `app.localhost:${port}`) {
      const answers = gateways.map((each) =>
        rawRequest(each.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`, ...lines]),
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    },
    session: (email) =>
      one.parts.sessions.start({
        kind: "browser",
        identity: identityOf(email),
        userAgent: "test",
        lifetimeMs: hour,
      }),
    async streams(name, lines, host = `app.localhost:${port}`) {
      const open = gateways.map(({ port: at }, index) => {
        const path = `/websocket/${name}-${index}`;
        return { path, peer: openStream(context, at, path, lines, host) };
      });
      await until(() => open.every(({ path }) => origin.open.has(path)));
      await until(() => open.every(({ peer }) => /first;/.test(peer.received)));
      return open.map(({ peer }) => peer);
    },
  };
}

const header = (token: string) => [`cf-access-token: ${token}`];
const isOver = ({ closed, ended }: Peer) => closed || ended;

/** Both gateways have come to refuse it, and the origin sees nothing more of it. */
async function refusedByBoth(pair: Pair, lines: readonly string[], path = "/"): Promise<void> {
  await until(async () => (await pair.statuses(path, lines)).every((status) => status === 401));
  pair.upstream.reset();
  assert.deepEqual(await pair.statuses(path, lines), [401, 401]);
  assert.equal(pair.upstream.requests.length, 0, "the origin saw it");
}

test("a person who is revoked at one gateway is refused by both, with open streams and grants (T8)", async (context) => {
  const pair = await startPair(context);
  const [one] = pair.gateways;
  const { parts } = one;
  const [target] = parts.catalogs.current().applications;
  assert.ok(target !== undefined);
  const session = await pair.session(ada);
  const others = await pair.session(bob);
  const own = header(await parts.tokens.issueApp(session, target, hour));
  const bobs = header(await parts.tokens.issueApp(others, target, hour));
  const lent = await lend(pair, session);
  const streams = await pair.streams("ada", own);
  const lentStreams = await pair.streams("lent", header(lent));
  const bobsStreams = await pair.streams("bob", bobs);
  assert.deepEqual(await pair.statuses("/", own), [200, 200]);
  assert.deepEqual(await pair.statuses("/", header(lent)), [200, 200]);

  await parts.sessions.endAllOf(session.user_id);
  assert.equal((await pair.statuses("/", own))[0], 401, "where it was done, at once");
  await refusedByBoth(pair, own);
  await refusedByBoth(pair, header(lent));
  await until(() => [...streams, ...lentStreams].every(isOver));
  assert.deepEqual(await pair.statuses("/", bobs), [200, 200]);
  assert.ok(!bobsStreams.some(isOver), "nobody else is concerned");
});

test("an application that is revoked at one gateway is refused by both, with its streams and grants, and let in anew (T8)", async (context) => {
  const pair = await startPair(context);
  const [one, two] = pair.gateways;
  const { parts } = one;
  const [target, another] = parts.catalogs.current().applications;
  assert.ok(target !== undefined && another !== undefined);
  const session = await pair.session(ada);
  const own = header(await parts.tokens.issueApp(session, target, hour));
  const elsewhere = header(await parts.tokens.issueApp(session, another, hour));
  const lent = await lend(pair, session);
  const otherHost = `other.localhost:${pair.port}`;
  const streams = await pair.streams("app", own);
  const lentStreams = await pair.streams("lent", header(lent));
  const otherStreams = await pair.streams("other", elsewhere, otherHost);

  await parts.sessions.endAllAt(target.aud);
  assert.equal((await pair.statuses("/", own))[0], 401, "where it was done, at once");
  const fresh = header(await parts.tokens.issueApp(session, target, hour));
  assert.deepEqual(await pair.statuses("/", fresh), [200, 200], "the person is still signed in");
  await refusedByBoth(pair, own);
  await refusedByBoth(pair, header(lent));
  await until(() => [...streams, ...lentStreams].every(isOver));
  assert.deepEqual(await pair.statuses("/", elsewhere, otherHost), [200, 200]);
  assert.ok(!otherStreams.some(isOver), "another application is not concerned");
  for (const { events } of [one, two]) {
    const ends = events.filter(({ event }) => event === "stream_ended");
    assert.deepEqual(
      ends.map((each) => each.event === "stream_ended" && each.reason),
      ["session_ended", "session_ended"],
    );
  }
  const freshStreams = await pair.streams("fresh", fresh);
  assert.ok(!freshStreams.some(isOver));
});

test("a user who is removed is refused by both gateways, and signs in as somebody else", async (context) => {
  const pair = await startPair(context);
  const [one] = pair.gateways;
  const { parts } = one;
  const [target] = parts.catalogs.current().applications;
  assert.ok(target !== undefined);
  const session = await pair.session(ada);
  const own = header(await parts.tokens.issueApp(session, target, hour));
  const streams = await pair.streams("ada", own);
  assert.equal(await parts.sessions.removeUser(session.user_id), true);
  assert.equal(await parts.sessions.removeUser(session.user_id), false);
  await refusedByBoth(pair, own);
  await until(() => streams.every(isOver));
  const again = await pair.session(ada);
  assert.notEqual(again.user_id, session.user_id);
});

/** A grant for the first application, which the session has approved. */
async function lend({ gateways: [{ parts }], port }: Pair, parent: StoredSession): Promise<string> {
  const { applications } = parts.catalogs.current();
  const [target] = applications;
  assert.ok(target !== undefined);
  const grant = await startGrant(
    { ...parts, randomBytes },
    {
      application: target,
      htu: `http://app.localhost:${port}/`,
      scope: {},
      label: undefined,
      lifetimeMs: hour,
      parent,
      userAgent: "test",
    },
  );
  return grant.token;
}
