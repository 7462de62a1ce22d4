// The limits of the one-time PIN. Six digits are weak; what makes them safe is counted here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { headingOf, Person } from "./person.ts";

async function askForCode(
  fixture: LoginFixture,
  email = ada,
  url = fixture.app("app"),
): Promise<Person> {
  const person = new Person();
  await person.open(url);
  await person.press("Send me a code", { email });
  assert.equal(person.heading(), "Enter your code", person.page.text);
  return person;
}

const wrongFor = (pin: string) => pin.replace(/.$/, (last) => String((Number(last) + 1) % 10));

test("a code is wrong five times, then it is dead, even when it is typed rightly", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askForCode(fixture);
  const pin = fixture.pins.get(ada) ?? "";
  assert.match(pin, /^\d{6}$/);
  for (let tries = 1; tries <= 4; tries++) {
    await person.press("Sign in", { code: wrongFor(pin) });
    assert.equal(person.heading(), "Enter your code");
  }
  const page = person.page;
  await person.press("Sign in", { code: wrongFor(pin) });
  assert.equal(person.heading(), "Please start again");
  const { url, ...ask } = person.pressing("Sign in", { code: pin }, page);
  const answer = await person.ask(url, ask);
  assert.equal(answer.status, 400);
  assert.equal(person.cookiesOf("login.localhost").has("CF_Authorization"), false);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("fifty wrong tries in parallel and every spelling of an address share one counter (L12)", async (context) => {
  const fixture = await startLoginFixture(context);
  const people: Person[] = [];
  for (const email of [ada, ada.toUpperCase(), ` ${ada} `])
    people.push(await askForCode(fixture, email));
  const pin = fixture.pins.get(ada) ?? "";
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const person = people[index % people.length] as Person;
      const { url, ...ask } = person.pressing("Sign in", { code: wrongFor(pin) });
      return person.ask(url, ask);
    }),
  );
  assert.equal(
    answers.filter(({ status }) => status === 429).length,
    40,
    "ten were compared, forty were not",
  );
  const last = people[2] as Person;
  const { url, ...ask } = last.pressing("Sign in", { code: pin });
  assert.equal((await last.ask(url, ask)).status, 429, "the right code after too many tries fails");
  assert.equal(last.cookiesOf("login.localhost").has("CF_Authorization"), false);
});

test("a code works once, in the browser that asked for it, and for ten minutes", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askForCode(fixture);
  const pin = fixture.pins.get(ada) ?? "";
  const { url, ...ask } = person.pressing("Sign in", { code: pin });

  const stranger = new Person();
  assert.equal((await stranger.ask(url, ask)).status, 400, "another browser has no such attempt");

  const copied = new Person(
    new Map([["login.localhost", new Map(person.cookiesOf("login.localhost"))]]),
  );
  await person.press("Sign in", { code: pin });
  assert.equal(person.page.status, 200);
  const replayed = await copied.ask(url, ask);
  assert.equal(headingOf(replayed), "Please start again");
  assert.equal(copied.cookiesOf("login.localhost").has("CF_Authorization"), false);

  const late = await askForCode(fixture);
  fixture.clock.ahead = 10 * 60_000 + 1;
  await late.press("Sign in", { code: fixture.pins.get(ada) ?? "" });
  assert.equal(late.heading(), "Please start again");
  assert.equal(late.cookiesOf("login.localhost").has("CF_Authorization"), false);
});

test("who may not enter sees the same page and gets no mail", async (context) => {
  const fixture = await startLoginFixture(context);
  const stranger = await askForCode(fixture, ada, fixture.app("bob"));
  const insider = await askForCode(fixture, bob, fixture.app("bob"));
  const neutral = (person: Person, email: string) =>
    person.page.text
      .replaceAll(email, "EMAIL")
      .replace(/name="(attempt|target)" value="[^"]*"/g, "");
  assert.equal(neutral(stranger, ada), neutral(insider, bob));
  assert.deepEqual([...fixture.pins.keys()], [bob]);
});

test("every application is judged for every address, so that time tells nobody who may enter one", async (context) => {
  const fixture = await startLoginFixture(context);
  const { applications } = fixture.parts.catalogs.current();
  const judged = new Set<string>();
  for (const application of applications) {
    const { name, policies } = application;
    const get = () => {
      judged.add(name);
      return policies;
    };
    Object.defineProperty(application, "policies", { get });
  }
  for (const email of [ada, bob, "mallory@elsewhere.test"]) {
    judged.clear();
    await askForCode(fixture, email, `${fixture.team}/cdn-cgi/access/login`);
    assert.equal(judged.size, applications.length, email);
  }
});

test("a code that was not sent, since no policy has room for the address, has a line in the log", async (context) => {
  const fixture = await startLoginFixture(context);
  const unsent = () =>
    fixture.events.flatMap((event) => (event.event === "pin_not_sent" ? [event] : []));
  await askForCode(fixture, ada, fixture.app("bob"));
  assert.equal(unsent().length, 1);
  const [{ email, application, ip, ray } = assert.fail()] = unsent();
  assert.deepEqual([email, ip], [ada, "127.0.0.1"]);
  assert.equal(typeof application, "string");
  assert.match(ray, /^[0-9a-f]{16}$/);
  for (const word of ["eve", "mallory", "trudy"])
    await askForCode(fixture, `${word}@elsewhere.test`, fixture.app("bob"));
  assert.equal(unsent().length, 4);
  await askForCode(fixture, bob, fixture.app("bob"));
  assert.equal(unsent().length, 4, "who gets a code has no such line");
});

test("asking is limited for each address and for each email", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(fixture.app("app"));
  const { page } = person;
  const statuses = [];
  for (let asks = 0; asks < 6; asks++) {
    const { url, ...ask } = person.pressing("Send me a code", { email: ada }, page);
    statuses.push((await person.ask(url, ask)).status);
  }
  assert.deepEqual(statuses, [303, 303, 303, 303, 303, 429]);
  for (let asks = 0; asks < 14; asks++) {
    const { url, ...ask } = person.pressing(
      "Send me a code",
      { email: `p${asks}@example.com` },
      page,
    );
    assert.equal((await person.ask(url, ask)).status, 303);
  }
  const { url, ...ask } = person.pressing(
    "Send me a code",
    { email: "one.more@example.com" },
    page,
  );
  assert.equal((await person.ask(url, ask)).status, 429);
});

test("what is no address and what is no code gets a clear line and costs nothing", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(fixture.app("app"));
  for (const email of [
    "",
    "ada",
    "a@b@c",
    '"a@x"@y',
    "ada@exämple.com",
    "ada@example.com\nBcc: x@y",
    `${"a".repeat(300)}@b`,
  ]) {
    await person.press("Send me a code", { email });
    assert.equal(person.page.status, 400);
    assert.match(person.page.text, /Enter your whole email address/);
  }
  await person.press("Send me a code", { email: ada });
  for (const code of ["", "12345", "1234567", "abcdef", "１２３４５６"]) {
    await person.press("Sign in", { code });
    assert.match(person.page.text, /The code has six digits/);
  }
  await person.press("Sign in", { code: fixture.pins.get(ada) ?? "" });
  assert.equal(person.page.status, 200);
});

test("the store holds neither code nor attempt in clear, and the log holds no code (L19)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askForCode(fixture);
  const pin = fixture.pins.get(ada) ?? "";
  await person.press("Sign in", { code: wrongFor(pin) });
  await person.press("Sign in", { code: pin });
  assert.equal(person.page.status, 200);
  for (const event of fixture.events) {
    const line = JSON.stringify(event);
    assert.ok(!line.includes(pin), line);
  }
});
