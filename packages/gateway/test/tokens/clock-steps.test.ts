// A clock that is put forward and back, over everything that is cached by age. After each step the
// caches must answer as a gateway that has just been started, and hand out nothing that others
// would refuse for its date.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MailDelivery } from "../../src/login/mail-delivery.ts";
import { PinLimits } from "../../src/login/providers/pin-limits.ts";
import {
  claimsOf,
  day,
  forge,
  hour,
  minute,
  openTokenFixture,
  rs256,
  type TokenFixture,
} from "./token-fixture.ts";

/** Steps of a clock from what it should say, one after the other, milliseconds. */
const courses: Record<string, readonly number[]> = {
  "a day ahead for a moment": [day, 0],
  "a day behind for a moment": [-day, 0],
  "two seconds back": [-2_000],
  "four minutes back, and forward again": [-4 * minute, 0],
  "an hour ahead, then an hour behind": [hour, -hour],
  "a month behind, then two days ahead": [-30 * day, 2 * day],
  "ahead, further ahead, and back in two steps": [10 * minute, 3 * hour, hour, 0],
};

for (const [course, steps] of Object.entries(courses))
  test(`a clock that is ${course} leaves nothing in the caches that is dated wrong`, async (context) => {
    const fixture = await openTokenFixture(context);
    const session = await fixture.session();
    const { tokens, application } = fixture;
    const early = await tokens.issueApp(session, application, 8 * hour);
    await checkCaches(fixture, [early]);
    const issued = [early];
    for (const step of steps) {
      fixture.clock.stepped = step;
      issued.push(await tokens.issueApp(session, application, 8 * hour));
      await checkCaches(fixture, issued);
    }
  });

/** Holds what the caches hand out to the clock of now, and to a gateway that starts now. */
async function checkCaches(fixture: TokenFixture, issued: readonly string[]): Promise<void> {
  const { tokens, application } = fixture;
  const { aud } = application;
  const now = fixture.seconds();
  const assertions = [await tokens.serviceAssertion(application, "robot")];
  const anew = await fixture.another();
  for (const token of issued) {
    const answer = tokens.cachedApp(token, aud) ?? (await tokens.verifyApp(token, aud));
    const { ok } = await anew.verifyApp(token, aud);
    assert.equal(answer.ok, ok, "the cache says what a new gateway says");
    if (answer.ok) assertions.push(await tokens.personAssertion(answer));
  }
  for (const assertion of assertions) {
    const { iat, exp } = claimsOf(assertion) as { iat: number; exp: number };
    assert.ok(iat <= now && exp > now, `${iat} to ${exp}, and it is ${now}`);
  }
  const { iat } = claimsOf(await describe(fixture)) as { iat: number };
  assert.ok(iat <= now && iat > now - 3_600, `${iat}, and it is ${now}`);
}

async function describe({ tokens }: TokenFixture, host = "app.example.com"): Promise<string> {
  const description = { hostname: host, aud: "aud", app_hostname: "*.example.com" };
  return (await tokens.issueMatch(description, "192.0.2.1")) ?? "";
}

test("what was issued a moment ago holds when the clock is put back by some minutes", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, application } = fixture;
  const session = await fixture.session();
  const app = await tokens.issueApp(session, application, hour);
  const org = await tokens.issueOrg(session);
  const pass = (await tokens.issuePass(session, application, "https://a/", minute)).token;
  const meta = tokens.sealMeta({ aud: "aud", hostname: "a", redirect_url: "/", app_session: "s" });
  for (const back of [2_000, 61_000, 4 * minute, 5 * minute]) {
    fixture.clock.stepped = -back;
    const anew = await fixture.another();
    assert.ok((await anew.verifyApp(app, application.aud)).ok, `app, ${back} ms`);
    assert.ok((await anew.verifyOrg(org)).ok, `org, ${back} ms`);
    assert.ok((await anew.verifyPass(pass, application.aud)).ok, `pass, ${back} ms`);
    assert.ok(anew.openMeta(meta), `meta, ${back} ms`);
  }
});

test("a description is as old as it is, whatever the clock was set to meanwhile", async (context) => {
  const fixture = await openTokenFixture(context);
  const first = await describe(fixture);
  fixture.clock.stepped = 10 * minute;
  assert.equal(await describe(fixture), first, "a step forward does not age it");
  fixture.clock.stepped = 0;
  fixture.clock.now += hour;
  fixture.clock.stepped = -50 * minute;
  assert.notEqual(await describe(fixture), first, "a step back does not make it young");
});

test("no step of the clock refills what strangers may ask for, or keeps it from refilling", async (context) => {
  const fixture = await openTokenFixture(context);
  let count = 0;
  const flood = async () => {
    const answers = [];
    for (let nth = 0; nth < 60; nth++)
      answers.push(await describe(fixture, `${count++}.example.com`));
    return answers.filter((answer) => answer !== "").length;
  };
  assert.equal(await flood(), 50);
  for (const stepped of [day, -day, 0, hour]) {
    fixture.clock.stepped = stepped;
    assert.equal(await flood(), 0, `${stepped} ms`);
  }
  fixture.clock.stepped = -day;
  fixture.clock.now += 1_000;
  assert.equal(await flood(), 5);
});

test("a key of another process is found ten seconds after a stranger's, whatever the clock does", async (context) => {
  for (const stepped of [day, -day, 0]) {
    const fixture = await openTokenFixture(context);
    const { tokens, application } = fixture;
    const { privateKey } = await fixture.signingKey();
    const foreign = forge({ alg: "RS256", kid: "x", typ: "JWT" }, {}, rs256(privateKey));
    await tokens.verifyApp(foreign, application.aud);
    const other = await fixture.another();
    await other.rotateKeys();
    await other.rotateKeys();
    fixture.clock.stepped = stepped;
    fixture.clock.now += 10_000;
    const own = await other.issueApp(await fixture.session(), application, hour);
    assert.equal((await tokens.verifyApp(own, application.aud)).ok, true, `${stepped} ms`);
  }
});

test("a key that ended by a clock that was ahead is published again when the clock is right", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens } = fixture;
  await tokens.rotateKeys();
  const certs = tokens.certs();
  for (const stepped of [40 * day, 0, 9 * day, 400 * day, -day]) {
    fixture.clock.stepped = stepped;
    assert.equal(tokens.certs() === certs, stepped < 7 * day, `${stepped / day} days`);
  }
});

test("a turned-away try of a code waits its minute, and no longer, whatever the clock does", async (context) => {
  for (const stepped of [-day, 0, 30_000]) {
    const { store, clock } = await openTokenFixture(context);
    const now = () => clock.now + clock.stepped;
    const elapsed = () => clock.now;
    const limits = new PinLimits({
      counters: store.counters,
      now,
      elapsed,
      strangers: { take: () => true },
    });
    const asker = { network: "192.0.2.1", email: `${stepped}@example.com`, isKnown: true };
    const tries = async () => {
      let allowed = 0;
      while (await limits.countTry(asker)) allowed++;
      return allowed;
    };
    assert.equal(await tries(), 20);
    clock.stepped = stepped;
    clock.now += minute - 1;
    assert.equal(await tries(), 0, "still turned away");
    clock.now += hour;
    assert.equal(await tries(), 20, "and counted again");
  }
});

test("a mail server that failed is in trouble for ten minutes, whatever the clock does", async () => {
  for (const stepped of [day, -day]) {
    const clock = { now: 0, stepped: 0 };
    const { promise: failure, resolve: fail } = Promise.withResolvers<void>();
    const delivery = new MailDelivery({
      sendMail: () => Promise.reject(new Error("away")),
      retryDelays: [],
      record: () => fail(),
      now: () => clock.now + clock.stepped,
      elapsed: () => clock.now,
    });
    const message = { to: "ada@example.com", subject: "", text: "" };
    delivery.send({ message, ray: "", expiresAt: hour });
    await failure;
    clock.stepped = stepped;
    clock.now += 10 * minute - 1;
    assert.equal(delivery.isInTrouble(), true);
    clock.now += 1;
    assert.equal(delivery.isInTrouble(), false);
  }
});
