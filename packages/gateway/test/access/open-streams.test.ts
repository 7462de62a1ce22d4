// What is open ends with the session, the credential and the access of whoever it is for, and with
// nothing else (cases T17, W3, W4).
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  hour,
  machines,
  only,
  open,
  robotPair,
  serviceTokens,
  startAccessFixture,
} from "./access-fixture.ts";
import { openStream, type StreamingOrigin, startStreamingOrigin } from "./streaming-origin.ts";
import type { Peer } from "./upgrade-fixture.ts";

const streamKinds = ["websocket", "events", "grpc"];
const allKinds = [...streamKinds, "download", "poll"];

interface Scene {
  access: AccessFixture;
  origin: StreamingOrigin;
  /** Opens one of each kind, and waits until the origin has them. @param at host and query */
  openAll(
    kinds: readonly string[],
    name: string,
    lines: readonly string[],
    at?: { host?: string; query?: string },
  ): Promise<Map<string, Peer>>;
  /** puts other sections into force, beside the ingress */
  change(sections: Record<string, unknown>): Promise<void>;
}

async function startScene(
  context: TestContext,
  applications: Record<string, unknown>[],
  sections: Record<string, unknown> = {},
): Promise<Scene> {
  const origin = await startStreamingOrigin(context);
  const ingress = [{ service: origin.origin }];
  const access = await startAccessFixture(context, applications, { ingress, ...sections });
  const { port } = access.fixture;
  return {
    access,
    origin,
    async openAll(kinds, name, lines, { host, query = "" } = {}) {
      const paths = kinds.map((kind) => `/${kind}/${name}`);
      const peers = paths.map((path) => openStream(context, port, path + query, lines, host));
      await until(() => paths.every((path) => origin.open.has(path)));
      const streams = new Map(kinds.map((kind, index) => [kind, peers[index] as Peer]));
      await until(() =>
        [...streams].every(([kind, { received }]) => kind === "poll" || /first;/.test(received)),
      );
      return streams;
    },
    change: (more) =>
      access.fixture.change({ applications, service_tokens: serviceTokens, ingress, ...more }),
  };
}

const header = (token: string) => [`cf-access-token: ${token}`];

/** Waits until each has ended at both of its ends, and asserts that its client saw a cut. */
async function ended(
  { origin }: Scene,
  streams: ReadonlyMap<string, Peer>,
  name: string,
): Promise<void> {
  for (const [kind, peer] of streams) {
    await until(() => peer.closed || peer.ended);
    await until(() => !origin.open.has(`/${kind}/${name}`));
    assert.doesNotMatch(peer.received, /\r\n0\r\n/, `${kind} seemed to be complete`);
  }
}

/** Asserts that these go on: what the origin sends now arrives. */
async function goOn(
  { origin }: Scene,
  streams: ReadonlyMap<string, Peer>,
  text: string,
): Promise<void> {
  origin.publish(text);
  await arrives(streams, text);
}

async function arrives(streams: ReadonlyMap<string, Peer>, text: string): Promise<void> {
  for (const [kind, peer] of streams) {
    if (kind === "poll") assert.equal(peer.closed || peer.ended, false, kind);
    else await until(() => peer.received.includes(text));
  }
}

test("of 1,000 streams of 100 people, those of the one who is signed out end, and no others", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const { access } = scene;
  const people = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const email = `person${index}@example.com`;
      const session = await access.fixture.session("browser", email);
      const token = await access.token("app", email, session);
      const names = Array.from({ length: 5 }, (_value, count) => `${index}-${count}`);
      const streams = await Promise.all(
        names.map((name) => scene.openAll(["websocket", "events"], name, header(token))),
      );
      return { session, names, streams };
    }),
  );
  assert.equal(scene.origin.open.size, 1_000);

  const [first, ...others] = people;
  assert.ok(first !== undefined);
  await access.fixture.parts.sessions.end(first.session.id);
  for (const [index, streams] of first.streams.entries())
    await ended(scene, streams, first.names[index] ?? "");
  scene.origin.publish("still here");
  for (const { streams } of others) for (const each of streams) await arrives(each, "still here");
  assert.equal(scene.origin.open.size, 990);

  const events = access.fixture.events.filter(({ event }) => event === "stream_ended");
  assert.equal(events.length, 10);
  for (const event of events) {
    assert.ok(event.event === "stream_ended");
    assert.equal(event.reason, "session_ended");
    assert.equal(event.email, "person0@example.com");
    assert.equal(event.application, "app");
    assert.ok(event.bytes > 0);
  }
});

test("what ends with a session is for the application to say: streams, all, or none", async (context) => {
  const hosts = { app: "streams", every: "all", nothing: "none" };
  const scene = await startScene(
    context,
    Object.entries(hosts).map(([name, end_streams]) =>
      application(name, [everybody], { end_streams }),
    ),
  );
  const { access } = scene;
  const session = await access.fixture.session("browser");
  const openAt = async (name: string) => {
    const token = await access.token(name, ada, session);
    return scene.openAll(allKinds, name, header(token), { host: `${name}.localhost` });
  };
  const [app, every, nothing] = [
    await openAt("app"),
    await openAt("every"),
    await openAt("nothing"),
  ];
  await access.fixture.parts.sessions.endAllOf(session.user_id);

  const isStream = ([kind]: [string, Peer]) => streamKinds.includes(kind);
  await ended(scene, new Map([...app].filter(isStream)), "app");
  await ended(scene, every, "every");
  const answers = [...app].filter((each) => !isStream(each));
  await goOn(scene, new Map(answers), "the download goes on");
  await goOn(scene, nothing, "nothing ends");
});

test("a stream that has outlived its session ends when its application no longer allows that", async (context) => {
  const app = (end_streams: string) => [application("app", [everybody], { end_streams })];
  const scene = await startScene(context, app("none"));
  const { access } = scene;
  const session = await access.fixture.session("browser");
  const token = await access.token("app", ada, session);
  const streams = await scene.openAll(streamKinds, "outliving", header(token));
  await access.fixture.parts.sessions.end(session.id);
  await scene.change({ applications: app("streams") });
  await ended(scene, streams, "outliving");
});

test("a stream ends when the session, the token, the pass or the service token has expired", async (context) => {
  const expires_at = new Date(Date.now() + 3 * hour).toISOString();
  const scene = await startScene(
    context,
    [application("app", [everybody]), application("machines", [machines])],
    { service_tokens: serviceTokens.map((token) => ({ ...token, expires_at })) },
  );
  const { access } = scene;
  const { parts, clock } = access.fixture;
  const session = await access.fixture.session("browser");
  const htu = `http://app.localhost:${access.fixture.port}/`;
  const pass = await parts.tokens.issuePass(session, access.application("app"), htu, 600_000);
  const short = await parts.tokens.issueApp(session, access.application("app"), hour / 2);

  const host = `app.localhost:${access.fixture.port}`;
  const query = `?token=${pass.token}`;
  const robotAt = { host: "machines.localhost" };
  const token = await access.token("app", ada, session);
  const steps = [
    {
      name: "pass",
      ahead: 601_000,
      streams: await scene.openAll(["events"], "pass", [], { host, query }),
    },
    {
      name: "token",
      ahead: hour / 2,
      streams: await scene.openAll(streamKinds, "token", header(short)),
    },
    {
      name: "session",
      ahead: hour,
      streams: await scene.openAll(streamKinds, "session", header(token)),
    },
    {
      name: "robot",
      ahead: 3 * hour,
      streams: await scene.openAll(streamKinds, "robot", robotPair, robotAt),
    },
  ];
  for (const [index, { name, ahead, streams }] of steps.entries()) {
    clock.ahead = ahead + 1_000;
    await ended(scene, streams, name);
    for (const later of steps.slice(index + 1))
      await goOn(scene, later.streams, `after the ${name}`);
  }
});

test("a change that does not concern a stream leaves it open, and one that takes its access ends it (W4)", async (context) => {
  const app = (policies: unknown[]) => [
    application("app", policies),
    application("machines", [machines]),
  ];
  const scene = await startScene(context, app([only(ada), only(bob)]));
  const { access } = scene;
  const openFor = async (email: string) =>
    scene.openAll(streamKinds, email, header(await access.token("app", email)));
  const [adas, bobs] = [await openFor(ada), await openFor(bob)];
  const robots = await scene.openAll(streamKinds, "robot", robotPair, {
    host: "machines.localhost",
  });

  await scene.change({
    applications: [...app([only(ada), only(bob)]), application("other", [everybody])],
  });
  await scene.change({ applications: app([only(bob), only(ada)]) });
  for (const each of [adas, bobs, robots]) await goOn(scene, each, "unrelated");

  await scene.change({ applications: app([only(bob)]) });
  await ended(scene, adas, ada);
  for (const each of [bobs, robots]) await goOn(scene, each, "without ada");

  const [robot] = serviceTokens;
  await scene.change({
    applications: app([only(bob)]),
    service_tokens: [{ ...robot, client_secret: "another secret, as long" }],
  });
  await ended(scene, robots, "robot");
  await goOn(scene, bobs, "without robots");

  // Another application takes the address over.
  await scene.change({
    applications: [application("new", [everybody], { domain: "app.localhost" })],
  });
  await ended(scene, bobs, bob);
});

test("streams that policy asked nobody for end when it does", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  const streams = await scene.openAll(streamKinds, "anybody", []);
  await scene.change({ applications: [application("app", [open, everybody])] });
  await goOn(scene, streams, "still open");
  await scene.change({ applications: [application("app", [everybody])] });
  await ended(scene, streams, "anybody");
});

test("an upgrade whose session ends while its origin thinks becomes no stream", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const { access } = scene;
  const session = await access.fixture.session("browser");
  const token = await access.token("app", ada, session);
  // The origin answers no poll: the upgrade waits.
  const lines = [...header(token), "Connection: Upgrade", "Upgrade: x-slow"];
  const waiting = await scene.openAll(["poll"], "slow", lines);
  await access.fixture.parts.sessions.end(session.id);
  await ended(scene, waiting, "slow");
  assert.equal(waiting.get("poll")?.received, "");
});

test("sessions that are only asked for again end nothing", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const { access } = scene;
  const streams = await scene.openAll(streamKinds, "kept", header(await access.token("app")));
  const gone = await access.fixture.session("browser", bob);
  const bobs = await scene.openAll(
    streamKinds,
    "bob",
    header(await access.token("app", bob, gone)),
  );
  const { store, tokens } = access.fixture.parts;
  // As another process would do it: the store first, and the message names nobody.
  await store.sessions.revoke(gone.id, Date.now());
  tokens.forgetAllSessions();
  await ended(scene, bobs, "bob");
  await goOn(scene, streams, "kept");
});

test("streams go on for ten seconds in which nobody can say whether their session lives, and end then", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const { access } = scene;
  const streams = await scene.openAll(streamKinds, "doubtful", header(await access.token("app")));
  const { parts, clock, events } = access.fixture;
  await parts.store.close();
  parts.tokens.forgetAllSessions();
  await goOn(scene, streams, "not known");
  clock.ahead = 9_000;
  await goOn(scene, streams, "not yet");
  clock.ahead = 11_000;
  await ended(scene, streams, "doubtful");
  const reasons = events.flatMap((each) => (each.event === "stream_ended" ? [each.reason] : []));
  assert.deepEqual([...new Set(reasons)], ["store_unavailable"]);
});
