// What stays open (security-cases 2.5, and T17), by every way in: who may open it, and that it ends
// with the session, the logout and the access of whoever it is for, and with nothing else.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import { application, open } from "../../packages/gateway/test/access/access-fixture.ts";
import { startStreamingOrigin } from "../../packages/gateway/test/access/streaming-origin.ts";
import { leaveOut } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import type { OpenStream } from "../support/way-streams.ts";
import { type Door, type WayIn, waysIn } from "../support/ways-in.ts";
import { all, type Case, tryEveryWay } from "./attack.ts";
import { alice, openHouse, startSession, tokenOf } from "./house.ts";

const chat = { target: "/chat", webSocket: true };
const foreign = [
  "https://evil.example",
  "http://evil.localhost",
  "http://app.localhost.evil.example",
  "http://xapp.localhost",
  "https://app.localhost",
  "http://app.localhost:8080",
  "http://app.localhost/",
  "http://user@app.localhost",
  "http://app2.localhost",
  "null",
  "",
  "file://",
];

const cases: Case[] = [
  {
    about: "W1 a page of another site opens no WebSocket with somebody's cookie",
    rows: all(
      { statuses: [403] },
      [
        ...foreign.map((origin) => [`Origin: ${origin}`]),
        ["Origin: http://app.localhost", "Origin: https://evil.example"],
        ["Origin: https://evil.example", "Origin: http://app.localhost"],
        ["Origin: http://app.localhost, https://evil.example"],
      ].map((lines) => ({ ...chat, lines })),
      "alice",
    ),
  },
  {
    about: "W2 nobody opens a WebSocket without a session, or is led to a sign-in",
    rows: [
      ...all(
        { statuses: [401] },
        [
          [],
          ["Cookie: CF_Authorization=x"],
          ["Cookie: CF_Authorization=eyJhbGciOiJub25lIn0.e30."],
          ["cf-access-token: x"],
          ["Authorization: Bearer x"],
          ["Sec-Fetch-Mode: websocket", "Origin: http://app.localhost"],
          ["Accept: text/html"],
        ].map((lines) => ({ ...chat, lines })),
      ),
      ...all({ statuses: [401] }, [{ ...chat, host: "preflight.localhost" }]),
      ...all({ statuses: [403] }, [{ ...chat, target: "/admin/chat" }], "alice"),
    ],
  },
];

tryEveryWay(cases);

/** A person's session in a browser, and the lines that its requests bear. */
interface Visitor {
  session: StoredSession;
  lines: string[];
}

async function visit(door: Door, email = alice): Promise<Visitor> {
  const session = await startSession(door, email);
  return { session, lines: [`Cookie: CF_Authorization=${await tokenOf(door, session)}`] };
}

const kinds = ["websocket", "events", "grpc"];

interface Scene {
  door: Door;
  /** Opens one of each kind for somebody, and waits until each has its first piece. */
  openAll(who: Visitor, name: string): Promise<OpenStream[]>;
  /** Asserts that they go on: what the origin sends now arrives. */
  goOn(streams: readonly OpenStream[], text: string): Promise<void>;
  /** paths that are open at the origin, or were ever asked for there */
  openAtOrigin: ReadonlySet<string>;
  change(applications: unknown[]): Promise<void>;
}

const everyone = [{ name: "all", decision: "allow", include: [{ everyone: {} }] }];
const app = (policies: unknown[] = everyone) => application("app", policies);

async function startScene(context: TestContext, way: WayIn): Promise<Scene> {
  const origin = await startStreamingOrigin(context);
  const ingress = [{ service: origin.origin }];
  const house = await openHouse(way, { ingress, applications: [app()] });
  context.after(() => house.close());
  const { door } = house;
  const trusted = way.kind === "nginx" ? { trusted_proxies: ["127.0.0.1"] } : {};
  return {
    door,
    openAtOrigin: origin.open,
    async openAll({ lines }, name) {
      const streams = await Promise.all(
        kinds.map((kind) =>
          door.open({ target: `/${kind}/${name}`, lines, webSocket: kind === "websocket" }),
        ),
      );
      for (const stream of streams) context.after(() => stream.close());
      await until(() => streams.every(({ received }) => received.includes("first;")));
      return streams;
    },
    async goOn(streams, text) {
      origin.publish(text);
      await until(() => streams.every(({ received }) => received.includes(text)));
    },
    change: (applications) =>
      door.gateway.change({
        identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin", config: {} }],
        ingress,
        applications,
        ...trusted,
      }),
  };
}

/** Waits until each has ended at both of its ends, and asserts that its client saw a cut. */
async function ended(
  { openAtOrigin }: Scene,
  streams: readonly OpenStream[],
  name: string,
): Promise<void> {
  await until(() => streams.every((stream) => stream.ended));
  await until(() => kinds.every((kind) => !openAtOrigin.has(`/${kind}/${name}`)));
  const [, events] = streams;
  assert.equal(events?.isWhole, false, "an event stream seemed to be complete");
}

const deadAnswers = [302, 401];

for (const way of waysIn) {
  test(
    `W3 a session that ends takes along what is open of it and nothing else, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const scene = await startScene(context, way);
      const [ada, bob] = [await visit(scene.door), await visit(scene.door, "bob@example.com")];
      const ofAda = await scene.openAll(ada, "ada");
      const ofBob = await scene.openAll(bob, "bob");
      await scene.door.gateway.parts.sessions.end(ada.session.id);
      await ended(scene, ofAda, "ada");
      await scene.goOn(ofBob, "still here");
      for (const kind of kinds) {
        const answer = await scene.door.ask({ target: `/${kind}/late`, lines: ada.lines });
        assert.ok(deadAnswers.includes(answer.status ?? 0), `${kind}: ${answer.status}`);
      }
      assert.equal([...scene.openAtOrigin].filter((path) => path.endsWith("late")).length, 0);
    },
  );

  test(
    `W4 an edit ends what it takes the access of, and nothing else, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const scene = await startScene(context, way);
      const streams = await scene.openAll(await visit(scene.door), "kept");
      await scene.change([app(), application("another", [open])]);
      await scene.goOn(streams, "over an unrelated application");
      await scene.change([
        app([...everyone, ...everyone.map((policy) => ({ ...policy, name: "more" }))]),
      ]);
      await scene.goOn(streams, "over a policy that says the same");
      await scene.change([
        app([
          { name: "bob", decision: "allow", include: [{ email: { email: "bob@example.com" } }] },
        ]),
      ]);
      await ended(scene, streams, "kept");
    },
  );

  test(
    `T17 a logout leaves nothing behind: no cookie, token, terminal or stream, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const scene = await startScene(context, way);
      const { door } = scene;
      const { parts } = door.gateway;
      const [ada, bob] = [await visit(door), await visit(door, "bob@example.com")];
      const terminal = await startSession(door, alice, { kind: "terminal", parent: ada.session });
      const terminalToken = await tokenOf(door, terminal);
      const orgToken = await parts.tokens.issueOrg(ada.session);
      const inTerminal = { session: terminal, lines: [`cf-access-token: ${terminalToken}`] };
      const streams = [
        ...(await scene.openAll(ada, "ada")),
        ...(await scene.openAll(inTerminal, "terminal")),
      ];
      const ofBob = await scene.openAll(bob, "bob");

      const click = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", ...ada.lines];
      const logout = await door.ask({ target: "/cdn-cgi/access/logout", lines: click });
      assert.equal(logout.status, 200);

      await ended(scene, streams, "ada");
      await ended(scene, streams, "terminal");
      await scene.goOn(ofBob, "still here");
      const [cookie = ""] = ada.lines;
      for (const line of [
        cookie,
        cookie.replace("Cookie: CF_Authorization=", "cf-access-token: "),
        ...inTerminal.lines,
        `cf-access-token: ${orgToken}`,
        `Cookie: CF_Authorization=${orgToken}`,
        `Authorization: Bearer ${terminalToken}`,
      ]) {
        for (const webSocket of [false, true]) {
          const answer = await door.ask({ target: "/poll/late", lines: [line], webSocket });
          assert.ok(
            deadAnswers.includes(answer.status ?? 0),
            `${line.slice(0, 30)}: ${answer.status}`,
          );
        }
      }
      assert.equal(scene.openAtOrigin.has("/poll/late"), false);
    },
  );
}
