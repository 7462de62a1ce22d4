// What is open ends with the session, the credential and the access of whoever it is for, and with
// nothing else (cases T17, W3, W4).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
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
} from "./access-fixture.ts";
import {
  allKinds,
  arrives,
  ended,
  goOn,
  header,
  startScene,
  streamKinds,
} from "./open-streams-fixture.ts";
import type { Peer } from "./upgrade-fixture.ts";

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

test("a service token that is given less time ends its streams when that is over, and one with more does not", async (context) => {
  const lasting = (hours: number, policies: unknown[]) => {
    const expires_at = new Date(Date.now() + hours * hour).toISOString();
    return {
      applications: [application("app", [machines, ...policies])],
      service_tokens: serviceTokens.map((token) => ({ ...token, expires_at })),
    };
  };
  const { applications, ...sections } = lasting(2, [only(ada), only(bob)]);
  const scene = await startScene(context, applications, sections);
  const openFor = async (email: string) =>
    scene.openAll(streamKinds, email, header(await scene.access.token("app", email)));
  const robots = await scene.openAll(streamKinds, "robot", robotPair);
  const [adas, bobs] = [await openFor(ada), await openFor(bob)];

  // Who loses access by the same change shows when streams are held to it.
  await scene.change(lasting(7, [only(ada)]));
  await ended(scene, bobs, bob);
  scene.access.fixture.clock.ahead = 4 * hour;
  await scene.change(lasting(5, []));
  await ended(scene, adas, ada);
  await goOn(scene, robots, "with more time");

  scene.access.fixture.clock.ahead = 6 * hour;
  await ended(scene, robots, "robot");
});

test("a stream that has outlived its access ends when its application no longer allows that", async (context) => {
  const app = (policies: unknown[], end_streams: string) => ({
    applications: [application("app", policies, { end_streams })],
  });
  const { applications } = app([only(ada), only(bob)], "none");
  const scene = await startScene(context, applications);
  const openFor = async (email: string) =>
    scene.openAll(streamKinds, email, header(await scene.access.token("app", email)));
  const [adas, bobs] = [await openFor(ada), await openFor(bob)];

  await scene.change(app([only(bob)], "none"));
  await goOn(scene, adas, "without access");
  await scene.change(app([only(bob)], "streams"));
  await ended(scene, adas, ada);
  await goOn(scene, bobs, "with access");
});

test("streams that policy asked nobody for end when it does", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  const streams = await scene.openAll(streamKinds, "anybody", []);
  await scene.change({ applications: [application("app", [open, everybody])] });
  await goOn(scene, streams, "still open");
  await scene.change({ applications: [application("app", [everybody])] });
  await ended(scene, streams, "anybody");
});

test("streams at a public path end when it is public no longer", async (context) => {
  const app = (...overrides: unknown[]) => [
    application("app", [only(ada)], {
      domain: undefined,
      destinations: [{ uri: "app.localhost", overrides }],
    }),
  ];
  const publicPath = { path_pattern: "/*/anybody", behavior: "public" };
  const scene = await startScene(context, app(publicPath));
  const streams = await scene.openAll(streamKinds, "anybody", []);
  await scene.change({
    applications: app({ path_pattern: "/other", behavior: "public" }, publicPath),
  });
  await goOn(scene, streams, "still open");
  await scene.change({ applications: app() });
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
