// The way to sign in that a browser used last: offered first, and nothing more.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startGateway } from "../../../../test/support/gateway.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { ada, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

/** Two providers that only stand on the page, and the PIN. */
function ways(): Record<string, unknown>[] {
  const corp = (id: string, name: string) => ({
    id,
    name,
    type: "oidc",
    config: { client_id: "a", client_secret: "b", issuer: "http://127.0.0.1:9" },
  });
  const pin = { id: "pin", name: "One-time PIN", type: "onetimepin", config: {} };
  return [corp("one", "One"), corp("two", "Two"), pin];
}

function start(context: TestContext): Promise<LoginFixture> {
  return startLoginFixture(context, { sections: { identity_providers: ways() } });
}

/** What the page offers, in its order. */
function offersOf({ page }: Person): string[] {
  const matches = page.text.matchAll(/<button class="way"[^>]*value="(\w+)"|type="(email)"/g);
  return [...matches].map(([, button, field]) => button ?? field ?? "");
}

async function offersWith(fixture: LoginFixture, cookie?: string): Promise<string[]> {
  const person = new Person();
  if (cookie !== undefined) person.cookiesOf("login.localhost").set("postern_provider", cookie);
  await person.open(fixture.app("app"));
  assert.equal(person.page.status, 200);
  return offersOf(person);
}

test("the way that this browser used last comes first", async (context) => {
  const fixture = await start(context);
  assert.deepEqual(await offersWith(fixture), ["one", "two", "email"]);
  assert.deepEqual(await offersWith(fixture, "two"), ["two", "one", "email"]);
  assert.deepEqual(await offersWith(fixture, "one"), ["one", "two", "email"]);
  assert.deepEqual(await offersWith(fixture, "pin"), ["email", "one", "two"]);
});

test("a cookie that names no way of this application changes nothing", async (context) => {
  const fixture = await start(context);
  for (const value of ["gone", "", "../x", "<script>", "x".repeat(3_000), '"two"'])
    assert.deepEqual(await offersWith(fixture, value), ["one", "two", "email"], value);
});

test("a sign-in that succeeds is remembered by the provider's id and nothing else", async (context) => {
  const fixture = await start(context);
  const person = new Person();
  await person.open(fixture.app("app"));
  await person.press("Send me a code", { email: ada });
  const cookies = person.cookiesOf("login.localhost");
  assert.equal(cookies.has("postern_provider"), false, "nobody is signed in yet");
  await person.press("Sign in", { code: fixture.pins.get(ada) ?? "" });
  assert.equal(cookies.get("postern_provider"), "pin");
  cookies.delete("CF_Authorization");
  await person.open(fixture.app("other"));
  assert.deepEqual(offersOf(person), ["email", "one", "two"]);
});

test("over https the cookie is bound to the team domain, and a sibling host cannot plant one (T11)", async (context) => {
  const authority = certificateFor(context, ["login.localhost", "app.localhost"]);
  const gateway = await startGateway({
    tls: [authority],
    sections: {
      organization: { name: "Test" },
      identity_providers: ways(),
      ingress: [{ service: "http_status:204" }],
      applications: [
        {
          name: "The API",
          domain: "app.localhost",
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    },
  });
  context.after(() => gateway.close());
  const person = new Person(new Map(), undefined, authority.ca);
  person.cookiesOf("login.localhost").set("postern_provider", "two");
  await person.open(`${gateway.origin("app.localhost")}/`);
  assert.deepEqual(offersOf(person), ["one", "two", "email"], "the plain name counts for nothing");
  await person.press("Send me a code", { email: ada });
  await person.press("Sign in", { code: gateway.pin(ada) ?? "" });
  const line = person.history
    .flatMap(({ setCookies }) => setCookies)
    .find((each) => each.startsWith("__Host-postern_provider="));
  assert.match(
    line ?? "",
    /^__Host-postern_provider=pin; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax; Secure$/,
  );
});
