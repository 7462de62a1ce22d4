// Whom wrong codes and floods of requests lock out: those who cause them, and not the person whose
// address they type.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ada, bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

const wrongFor = (pin: string) => pin.replace(/.$/, (last) => String((Number(last) + 1) % 10));

/** A browser at the form where the code is typed. */
async function requestCode(fixture: LoginFixture, person: Person, email = ada): Promise<Person> {
  await person.open(fixture.app("app"));
  await person.press("Send me a code", { email });
  return person;
}

async function typeCode(fixture: LoginFixture, person: Person, email = ada): Promise<boolean> {
  await person.press("Sign in", { code: fixture.pins.get(email) ?? "" });
  return isSignedIn(person);
}

function isSignedIn(person: Person): boolean {
  return person.page.status === 200 && person.cookiesOf("login.localhost").has("CF_Authorization");
}

/** Wrong codes for an address from one network, until none is compared any more. */
async function typeWrongCodes(fixture: LoginFixture, from: string, email = ada): Promise<number> {
  let comparisons = 0;
  for (let asks = 0; asks < 5; asks++) {
    const stranger = await requestCode(fixture, new Person(new Map(), from), email);
    if (stranger.page.status === 429) break;
    const wrong = wrongFor(fixture.pins.get(email) ?? "");
    const { url, ...ask } = stranger.pressing("Sign in", { code: wrong });
    for (let tries = 0; tries < 6; tries++) {
      const { status } = await stranger.ask(url, ask);
      if (status === 400) comparisons++;
    }
  }
  return comparisons;
}

async function startAttack(context: TestContext, from = "127.0.0.66") {
  const fixture = await startLoginFixture(context);
  const attack = (email = ada) => typeWrongCodes(fixture, from, email);
  return { fixture, attack };
}

test("a browser that signed in as the address before signs in again, whatever strangers type", async (context) => {
  const { fixture, attack } = await startAttack(context);
  const regular = await fixture.signIn(fixture.app("app"));
  await regular.open(`${fixture.team}/cdn-cgi/access/logout`);
  const before = new Person(
    new Map([["login.localhost", new Map(regular.cookiesOf("login.localhost"))]]),
  );
  before.cookiesOf("login.localhost").delete("CF_Authorization");
  await attack();
  await requestCode(fixture, before);
  assert.equal(before.heading(), "Enter your code", "strangers' requests do not count, either");
  assert.ok(await typeCode(fixture, before));
});

test("a person at another network signs in at the first try, whatever strangers type", async (context) => {
  const { fixture, attack } = await startAttack(context);
  await attack();
  const person = await requestCode(fixture, new Person(new Map(), "127.0.0.2"));
  assert.equal(person.heading(), "Enter your code");
  assert.ok(await typeCode(fixture, person));
});

test("a flood from the person's own network keeps no browser out that signed in there before", async (context) => {
  const { fixture } = await startAttack(context);
  const regular = await fixture.signIn(fixture.app("app"));
  regular.cookiesOf("login.localhost").delete("CF_Authorization");
  regular.cookiesOf("app.localhost").clear();
  const stranger = new Person();
  await stranger.open(fixture.app("app"));
  const { page } = stranger;
  let refusals = 0;
  for (let asks = 0; asks < 25; asks++) {
    const email = `p${asks}@example.com`;
    const { url, ...ask } = stranger.pressing("Send me a code", { email }, page);
    if ((await stranger.ask(url, ask)).status === 429) refusals++;
  }
  assert.ok(refusals > 0, "the network has asked for too many");
  await requestCode(fixture, regular);
  assert.ok(await typeCode(fixture, regular));
});

test("what strangers may try of one address is bounded, however many networks they have", async (context) => {
  const fixture = await startLoginFixture(context);
  let comparisons = 0;
  for (let network = 1; network <= 12; network++)
    comparisons += await typeWrongCodes(fixture, `127.0.1.${network}`);
  assert.ok(comparisons >= 10 && comparisons <= 20, `${comparisons} codes were compared`);
  const late = await requestCode(fixture, new Person(new Map(), "127.0.2.1"));
  assert.equal(late.page.status, 429, "and so is what they may request");
});

test("a browser that signed in as somebody else is a stranger for this address", async (context) => {
  const { fixture, attack } = await startAttack(context);
  const bobs = await fixture.signIn(fixture.app("app"), bob);
  bobs.cookiesOf("login.localhost").delete("CF_Authorization");
  bobs.cookiesOf("app.localhost").clear();
  const exhausting = await requestCode(fixture, bobs);
  const { url, ...ask } = exhausting.pressing("Sign in", {
    code: wrongFor(fixture.pins.get(ada) ?? ""),
  });
  for (let tries = 0; tries < 5; tries++) await exhausting.ask(url, ask);
  await attack();
  await requestCode(fixture, bobs);
  assert.equal(bobs.page.status, 429);
});

test("a cookie that somebody made up, or moved from another place, makes no browser known", async (context) => {
  const { fixture, attack } = await startAttack(context, "127.0.0.1");
  const regular = await fixture.signIn(fixture.app("app"));
  const cookies = regular.cookiesOf("login.localhost");
  const value = cookies.get("postern_signed_in") ?? "";
  assert.notEqual(value, "");
  assert.doesNotMatch(Buffer.from(value, "base64url").toString("latin1"), /ada/);
  const attempt = [...cookies].find(([name]) => name.startsWith("postern_attempt_"))?.[1] ?? "";
  await attack();
  for (const forged of [
    "",
    "x",
    JSON.stringify([{ email: ada, at: Date.now() }]),
    value.slice(1),
    attempt,
  ]) {
    const stranger = new Person();
    stranger.cookiesOf("login.localhost").set("postern_signed_in", forged);
    await requestCode(fixture, stranger);
    assert.equal(stranger.page.status, 429, forged);
  }
});

test("a known browser has its own bounds, and a right code lifts them", async (context) => {
  const fixture = await startLoginFixture(context);
  const regular = await fixture.signIn(fixture.app("app"));
  const statuses: number[] = [];
  for (let asks = 0; asks < 6; asks++) {
    regular.cookiesOf("login.localhost").delete("CF_Authorization");
    regular.cookiesOf("app.localhost").clear();
    await requestCode(fixture, regular);
    statuses.push(regular.page.status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
});

test("the origin never sees the cookie that says who signed in before", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  const value = person.cookiesOf("login.localhost").get("postern_signed_in") ?? "";
  person.cookiesOf("app.localhost").set("postern_signed_in", value);
  await person.open(fixture.app("app"));
  const seen = JSON.stringify(fixture.upstream.requests.map(({ rawHeaders }) => rawHeaders));
  assert.doesNotMatch(seen, /postern_signed_in/);
});
