// The fragment of an address, as the sign-in page's form brings it: it comes back behind the
// address that was asked for, and leads nowhere else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

/** Codes for one address are counted. */
let people = 0;

/** Signs in with this text in the form. @returns where the last redirect led */
async function landing(fixture: LoginFixture, start: string, fragment: string): Promise<string> {
  const email = `person${++people}@example.com`;
  const person = new Person();
  await person.open(start);
  await person.press("Send me a code", { email, fragment });
  await person.press("Sign in", { code: fixture.pins.get(email) ?? "" });
  const last = person.history.findLast(({ url }) => url.includes("/authorized?"));
  assert.ok(last?.location !== undefined, person.page.text);
  return last.location;
}

test("a person comes back to the fragment that the form brought, and to nothing else that it says", async (context) => {
  const fixture = await startLoginFixture(context);
  const start = `${fixture.app("app")}/board?x=1`;
  assert.equal(
    await landing(fixture, start, "/reports/7?a=%C3%A9&b"),
    `${start}#/reports/7?a=%C3%A9&b`,
  );
  assert.equal(await landing(fixture, start, ""), start);
  const odd = ["//evil.test/", "@evil.test", "\\evil", "javascript:alert(1)", "a#b", '"><script>'];
  for (const fragment of odd) {
    const location = await landing(fixture, start, fragment);
    assert.equal(location, `${start}#${fragment.replace('"><script>', "%22%3E%3Cscript%3E")}`);
    const { origin, pathname, search } = new URL(location);
    assert.equal(origin + pathname + search, start);
  }
  for (const fragment of ["a b", "é", "a\r\nX-Evil: 1", "\t", "x".repeat(1_001)])
    assert.equal(await landing(fixture, start, fragment), start, JSON.stringify(fragment));
});
