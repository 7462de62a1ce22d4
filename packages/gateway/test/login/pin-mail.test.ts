// A PIN's way through a mail server that is busy, away, suspicious or sure: what is tried again,
// and what the person is told.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { freePort, simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import {
  codeIn,
  type MailRefusal,
  type MailStep,
  type RefuseMail,
  startMailServer,
} from "../../../../test/support/mail-server.ts";
import { createSendMail, heloNameOf, isForNow } from "../../src/login/mail.ts";
import { ada, bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

const trouble = /The mail server is not taking our messages/;
const soon = [10, 20, 30];

/** A server that refuses this step so many times with this reply, and counts its askers. */
function refusing(step: MailStep, reply: MailRefusal, times = Number.POSITIVE_INFINITY) {
  const script = { asked: 0 };
  const refuse: RefuseMail = (asked) => {
    if (asked !== step) return undefined;
    script.asked++;
    return script.asked <= times ? reply : undefined;
  };
  return { script, refuse };
}

async function start(context: TestContext, mail: RefuseMail): Promise<LoginFixture> {
  return startLoginFixture(context, { mail, mailRetryDelays: soon });
}

async function requestCode(fixture: LoginFixture, email = ada, name = "app"): Promise<Person> {
  const person = new Person();
  await person.open(fixture.app(name));
  await person.press("Send me a code", { email });
  return person;
}

/** Waits for so many events of this name. */
async function recorded(fixture: LoginFixture, name: string, count = 1): Promise<void> {
  while (fixture.events.filter(({ event }) => event === name).length < count)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

for (const [step, reply] of [
  ["data", 451],
  ["data", 452],
  ["rcpt", 450],
  ["rcpt", 451],
  ["connect", 421],
] as const) {
  test(`a code that the mail server refuses for now arrives a little later (${reply} to ${step})`, async (context) => {
    const { script, refuse } = refusing(step, reply, 2);
    const fixture = await start(context, refuse);
    const person = await requestCode(fixture);
    assert.doesNotMatch(person.page.text, /is on its way|was sent/);
    const mail = await fixture.mail?.next(ada);
    assert.ok(mail !== undefined);
    assert.equal(script.asked, 3);
    await person.press("Sign in", { code: codeIn(mail) });
    assert.equal(person.page.status, 200);
    const delays = fixture.events.filter(({ event }) => event === "mail_delayed");
    assert.equal(delays.length, 2);
    assert.match(JSON.stringify(delays), new RegExp(String(reply)));
    assert.ok(!fixture.events.some(({ event }) => event === "mail_failed"));
  });
}

test("a mail server that stays busy is asked some times and no more, and the page says that mail does not go out", async (context) => {
  const { script, refuse } = refusing("data", 451);
  const fixture = await start(context, refuse);
  const person = await requestCode(fixture);
  await recorded(fixture, "mail_delayed");
  await person.press("Check whether mail is going out");
  assert.equal(person.heading(), "Enter your code");
  assert.match(person.page.text, trouble);
  await recorded(fixture, "mail_failed");
  assert.equal(script.asked, 1 + soon.length);
  await person.press("Check whether mail is going out");
  assert.match(person.page.text, trouble);
  await person.press("Sign in", { code: "000000" });
  assert.match(person.page.text, trouble, "beside what is wrong with the code");
  const later = await requestCode(fixture);
  assert.match(later.page.text, trouble, "and to who asks after that, at once");
});

test("the page says so no longer once the mail server takes messages", async (context) => {
  const { refuse } = refusing("data", 451, 1);
  const fixture = await start(context, refuse);
  const person = await requestCode(fixture);
  await fixture.mail?.next(ada);
  // The gateway learns a moment later than the mail server that the message was taken.
  do await person.press("Check whether mail is going out");
  while (trouble.test(person.page.text));
  assert.equal(person.heading(), "Enter your code");
});

test("who may not enter sees the same page while mail does not go out, too", async (context) => {
  const { refuse } = refusing("data", 451);
  const fixture = await start(context, refuse);
  await requestCode(fixture, bob, "bob");
  await recorded(fixture, "mail_delayed");
  const neutral = (person: Person, email: string) =>
    person.page.text
      .replaceAll(email, "EMAIL")
      .replace(/name="(attempt|target)" value="[^"]*"/g, "");
  const stranger = await requestCode(fixture, ada, "bob");
  const insider = await requestCode(fixture, bob, "bob");
  assert.match(stranger.page.text, trouble);
  assert.equal(neutral(stranger, ada), neutral(insider, bob));
});

for (const [step, reply] of [
  ["data", 550],
  ["data", 554],
  ["rcpt", 550],
  ["rcpt", 553],
] as const) {
  test(`a lasting refusal is not tried again (${reply} to ${step})`, async (context) => {
    const { script, refuse } = refusing(step, reply);
    const fixture = await start(context, refuse);
    await requestCode(fixture);
    await recorded(fixture, "mail_failed");
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(script.asked, 1);
    assert.ok(!fixture.events.some(({ event }) => event === "mail_delayed"));
  });
}

test("an address that the mail server does not know is no reason to say that mail does not go out", async (context) => {
  const { refuse } = refusing("rcpt", 550);
  const fixture = await start(context, refuse);
  const person = await requestCode(fixture);
  await recorded(fixture, "mail_failed");
  await person.press("Check whether mail is going out");
  assert.doesNotMatch(person.page.text, trouble);
});

/** Refuses the messages to one address, and takes those to others. */
function refusingOnly(step: MailStep, reply: MailRefusal, address = ada): RefuseMail {
  return (asked, to) => (asked === step && to === address ? reply : undefined);
}

for (const [step, reply] of [
  ["rcpt", 450],
  ["rcpt", 451],
  ["rcpt", 452],
  ["rcpt", { code: 451, text: "4.7.1 Greylisting in action, please come back later" }],
  ["data", { code: 451, text: "4.7.1 Please try again later" }],
  ["data", { code: 450, text: "4.2.0 Recipient address rejected: Greylisted" }],
  ["data", { code: 452, text: "4.2.2 The mailbox is full" }],
  ["data", { code: 550, text: "5.1.1 No such user" }],
] as const)
  test(`one recipient who is refused (${JSON.stringify(reply)} to ${step}) tells nobody that mail does not go out`, async (context) => {
    const fixture = await start(context, refusingOnly(step, reply));
    const person = await requestCode(fixture);
    await recorded(fixture, "mail_failed");
    await person.press("Check whether mail is going out");
    assert.doesNotMatch(person.page.text, trouble);
    const stranger = await requestCode(fixture, bob);
    assert.doesNotMatch(stranger.page.text, trouble);
    assert.ok(await fixture.mail?.next(bob));
  });

for (const [step, reply] of [
  ["connect", 421],
  ["connect", 554],
  ["rcpt", 421],
  ["from", 451],
  ["from", { code: 452, text: "4.3.1 Insufficient system storage" }],
  ["from", { code: 550, text: "5.7.1 Sender refused" }],
  ["data", { code: 451, text: "4.3.0 Local error in processing" }],
  ["data", { code: 452, text: "4.3.1 Insufficient system storage" }],
] as const)
  test(`a mail server that takes messages to nobody (${JSON.stringify(reply)} to ${step}) is said to everybody`, async (context) => {
    const fixture = await start(context, refusing(step, reply).refuse);
    await requestCode(fixture);
    await recorded(fixture, "mail_failed");
    const other = await requestCode(fixture, bob);
    assert.match(other.page.text, trouble);
  });

test("a code that has run out is not mailed any more", async (context) => {
  const { script, refuse } = refusing("data", 451);
  const fixture = await startLoginFixture(context, {
    mail: refuse,
    mailRetryDelays: [11 * 60_000],
  });
  await requestCode(fixture);
  await recorded(fixture, "mail_failed");
  assert.equal(script.asked, 1);
});

test("a mail server that is not there is tried again, and so is one that has gone silent in the middle", async () => {
  const port = await freePort();
  const message = { to: ada, subject: "s", text: "t" };
  const away = createSendMail({ url: `smtp://127.0.0.1:${port}`, from: "a@example.com" });
  await assert.rejects(away(message), (error) => isForNow(error));
  const fault = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ["ETIMEDOUT", "ESOCKET", "ECONNRESET", "EDNS"])
    assert.ok(isForNow(fault(code)), code);
  for (const code of ["EAUTH", "ETLS"]) assert.ok(!isForNow(fault(code)), code);
});

test("a message says that nobody wrote it, and nobody's absence is answered to it", async (context) => {
  const fixture = await startLoginFixture(context, { mail: true });
  await requestCode(fixture);
  const mail = await fixture.mail?.next(ada);
  assert.match(mail?.head ?? "", /^auto-submitted: auto-generated\r?$/im);
});

for (const [what, auth, settings, expected] of [
  ["by the team domain's host", "login.localhost", {}, "login.localhost"],
  ["by an address, as the protocol writes one", "127.0.0.1", {}, "[127.0.0.1]"],
  ["by the name that is set", "login.localhost", { helo_name: "mx.example.com" }, "mx.example.com"],
  ["by an address that is set", "login.localhost", { helo_name: "[192.0.2.1]" }, "[192.0.2.1]"],
] as const) {
  test(`the gateway greets the mail server ${what}`, async (context) => {
    const mail = await startMailServer();
    context.after(() => mail.close());
    const gateway = await startGateway({
      teamHost: auth,
      announcePin: false,
      sections: {
        ...simpleSections("http_status:404"),
        smtp: { url: mail.url, from: "access@example.com", ...settings },
      },
    });
    context.after(() => gateway.close());
    const person = new Person();
    await person.open(`${gateway.team}/cdn-cgi/access/login`);
    await person.press("Send me a code", { email: ada });
    assert.equal((await mail.next(ada)).helo, expected);
  });
}

test("every kind of host becomes a name that a mail server takes", () => {
  assert.equal(heloNameOf("login.example.com"), "login.example.com");
  assert.equal(heloNameOf("192.0.2.1"), "[192.0.2.1]");
  assert.equal(heloNameOf("[2001:db8::1]"), "[IPv6:2001:db8::1]");
});

test("with STARTTLS required, nothing is sent to a server that does not offer it", async (context) => {
  const mail = await startMailServer();
  context.after(() => mail.close());
  const settings = { url: mail.url, from: "access@example.com" };
  const message = { to: ada, subject: "s", text: "t" };
  await createSendMail({ ...settings, starttls: "offered" })(message);
  await assert.rejects(createSendMail({ ...settings, starttls: "required" })(message));
  assert.equal(mail.messages.length, 1);
});
