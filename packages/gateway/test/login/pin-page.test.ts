// What the page of the one-time PIN says while somebody types codes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

async function askFor(fixture: LoginFixture, email: string, name = "app"): Promise<Person> {
  const person = new Person();
  await person.open(fixture.app(name));
  await person.press("Send me a code", { email });
  return person;
}

const wrongFor = (pin = "") => (pin === "000000" ? "111111" : "000000");

test("each wrong code says how many tries are left, and what cannot be a code costs none", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askFor(fixture, ada);
  const code = wrongFor(fixture.pins.get(ada));
  for (const left of ["4 tries", "3 tries", "2 tries", "1 try"]) {
    await person.press("Sign in", { code: "12" });
    assert.match(person.page.text, /The code has six digits/);
    await person.press("Sign in", { code });
    assert.match(person.page.text, new RegExp(`That is not the code\\. You have ${left} left\\.`));
  }
  await person.press("Sign in", { code });
  assert.equal(person.heading(), "Please start again");
  assert.match(person.page.text, /mistyped too often/);
});

test("who may have no code is told the same", async (context) => {
  const fixture = await startLoginFixture(context);
  for (const email of [ada, bob]) {
    const person = await askFor(fixture, email, "bob");
    await person.press("Sign in", { code: wrongFor(fixture.pins.get(email)) });
    assert.match(person.page.text, /That is not the code\. You have 4 tries left\./, email);
    await person.press("Send another code");
    assert.match(person.page.text, /We have made another code/, email);
  }
});

test("another code says that it was made, and the one before does not work any more", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askFor(fixture, ada);
  assert.doesNotMatch(person.page.text, /another code\.<\/strong>/, "the first one is not another");
  const first = fixture.pins.get(ada) ?? "";
  await person.press("Send another code");
  assert.equal(person.heading(), "Enter your code");
  assert.match(person.page.text, /We have made another code.*Use the newest one/);
  const second = fixture.pins.get(ada) ?? "";
  if (first !== second) {
    await person.press("Sign in", { code: first });
    assert.match(person.page.text, /That is not the code/);
  }
  await person.press("Sign in", { code: second });
  assert.equal(person.page.url, `${fixture.app("app")}/`);
});

test("another address leads back to the ways to sign in", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await askFor(fixture, ada);
  await person.press("Use another address");
  assert.equal(person.heading(), "Sign in to The API");
});

test("who asks whether mail goes out is answered each time", async (context) => {
  const fixture = await startLoginFixture(context, { mail: true });
  const person = await askFor(fixture, ada);
  await fixture.mail?.next(ada);
  for (let times = 0; times < 2; times++) {
    await person.press("Check whether mail is going out");
    assert.match(person.page.text, /The mail server is taking our messages/);
  }
});
