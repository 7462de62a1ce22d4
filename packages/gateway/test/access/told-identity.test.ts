// What an origin is told of a person beside the assertion in its header, where the application
// wants that: the assertion as a cookie, and headers under names that other gateways use. A client
// can say none of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AccessFixture,
  ada,
  application,
  everybody,
  identityIn,
  machines,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const remote = ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"];
const forwarded = [
  "X-Forwarded-User",
  "X-Forwarded-Email",
  "X-Forwarded-Preferred-Username",
  "X-Forwarded-Groups",
];

/** What a client says in all of them, in several spellings. */
const claimed = [...remote, ...forwarded].flatMap((name) => [
  `${name}: eve@example.com`,
  `${name.toUpperCase().replaceAll("-", "_")}: eve@example.com`,
  `${name.replaceAll("-", ".")}: eve@example.com`,
]);

async function tokenOf(access: AccessFixture, name: string, identity: object): Promise<string> {
  const session = await access.fixture.session("browser", ada);
  Object.assign(session.identity, identity);
  await access.fixture.parts.store.sessions.add({ ...session, id: `${session.id}x` });
  return access.token(name, ada, { ...session, id: `${session.id}x` });
}

test("an application that wants it is told of a person in headers that others know, and no client can fill them", async (context) => {
  const both = { identity_headers: ["authelia", "oauth2-proxy"] };
  const access = await startAccessFixture(context, [
    application("app", [machines, everybody], both),
    application("open", [open], both),
    application("plain", [everybody]),
  ]);
  const identity = { name: "Ada Lovelace", groups: ["dev", "a,admin", "ops\r\nX: y", "é", "qa"] };
  const token = await tokenOf(access, "app", identity);
  const seen = await access.passed("/", [`cf-access-token: ${token}`, ...claimed]);
  assert.equal(identityIn(seen), ada);
  const told = [ada, ada, "Ada Lovelace", "dev,qa"];
  assert.deepEqual(
    remote.map((name) => seen.header(name.toLowerCase())),
    told,
  );
  assert.deepEqual(
    forwarded.map((name) => seen.header(name.toLowerCase())),
    [ada, ada, ada, "dev,qa"],
    "nobody is named by a name that they chose themselves",
  );
  assert.equal(JSON.stringify(seen).includes("eve@"), false, "nothing a client says");

  for (const [lines, asked] of [
    [[...robotPair, ...claimed], {}],
    [claimed, { host: "open.localhost" }],
    [[`cf-access-token: ${await access.token("plain")}`, ...claimed], { host: "plain.localhost" }],
  ] as const) {
    const other = await access.passed("/", lines, asked);
    for (const name of [...remote, ...forwarded])
      assert.equal(other.header(name.toLowerCase()), undefined, name);
  }
  await access.refused(302, "/", claimed);
});

test("a name that not every origin reads alike is left out, and nothing can be put behind it", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { identity_headers: ["authelia"] }),
  ]);
  for (const name of ["José", "a\r\nRemote-User: root", "a\0b", " ", ""]) {
    const token = await tokenOf(access, "app", { name, groups: [] });
    const seen = await access.passed("/", [`cf-access-token: ${token}`]);
    assert.equal(seen.header("remote-user"), ada);
    assert.equal(seen.header("remote-name"), undefined, JSON.stringify(name));
    assert.equal(seen.header("remote-groups"), undefined);
  }
});

test("an origin that looks for a cookie alone gets the assertion there, and never the person's token", async (context) => {
  const cookie = { origin_cookie: true };
  const access = await startAccessFixture(context, [
    application("app", [machines, everybody], cookie),
    application("open", [open], cookie),
    application("plain", [everybody]),
  ]);
  const token = await access.token("app");
  for (const lines of [
    [`Cookie: CF_Authorization=${token}; theme=dark`],
    [`cf-access-token: ${token}`, "Cookie: theme=dark"],
    [`cf-access-token: ${token}`, "Cookie: CF_Authorization=planted; theme=dark"],
  ]) {
    const seen = await access.passed("/", lines);
    const assertion = seen.header("cf-access-jwt-assertion");
    assert.equal(seen.header("cookie"), `CF_Authorization=${assertion}; theme=dark`);
    assert.equal(JSON.stringify(seen).includes(token), false);
  }
  const alone = await access.passed("/", [`cf-access-token: ${token}`]);
  const assertion = alone.header("cf-access-jwt-assertion") ?? "";
  assert.equal(alone.header("cookie"), `CF_Authorization=${assertion}`);
  const program = await access.passed("/", robotPair);
  assert.equal(
    program.header("cookie"),
    `CF_Authorization=${program.header("cf-access-jwt-assertion")}`,
  );

  // What the origin got signs nobody in.
  await access.refused(302, "/", [`Cookie: CF_Authorization=${assertion}`]);
  const planted = ["Cookie: CF_Authorization=planted"];
  const bypassed = await access.passed("/", planted, { host: "open.localhost" });
  assert.equal(bypassed.header("cookie"), undefined);
  const plain = [`cf-access-token: ${await access.token("plain")}`, ...planted];
  const without = await access.passed("/", plain, { host: "plain.localhost" });
  assert.equal(without.header("cookie"), undefined);
});
