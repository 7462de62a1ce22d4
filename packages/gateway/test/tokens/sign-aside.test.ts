// Signing with RSA holds up whoever does it. What comes back from the thread pool comes in a later
// turn of the event loop; what was signed on the spot would be there as soon as the promises that
// wait for it have run.
import assert from "node:assert/strict";
import test from "node:test";
import type { PassProof } from "../../src/tokens/tokens.ts";
import { hour, openTokenFixture, type TokenFixture } from "./token-fixture.ts";

const turnOfPromises = 100;

/** Whether the promise is still open when all promises that were ready have run. */
async function comesLater(promise: Promise<unknown>): Promise<boolean> {
  let isThere = false;
  promise.then(() => {
    isThere = true;
  });
  for (let left = turnOfPromises; left > 0; left--) await Promise.resolve();
  return !isThere;
}

/** Everything that is signed for others to verify, by what it is. */
async function signatures({
  tokens,
  application,
  session,
}: TokenFixture): Promise<Record<string, () => unknown>> {
  const browser = await session();
  const terminal = await session("terminal");
  const htu = "https://app.example.com/v1/";
  const pass = (await tokens.issuePass(browser, application, htu, hour)).token;
  const passProof = await tokens.verifyPass(pass, application.aud);
  assert.ok(passProof.ok);
  const app = await tokens.issueApp(browser, application, hour);
  const proof = await tokens.verifyApp(app, application.aud);
  assert.ok(proof.ok);
  return {
    "a browser's session": () => tokens.issueOrg(browser),
    "a terminal's session": () => tokens.issueOrg(terminal),
    "a browser's token": () => tokens.issueApp(browser, application, hour),
    "a terminal's token": () => tokens.issueApp(terminal, application, hour),
    "a pass": () => tokens.issuePass(browser, application, htu, hour),
    "a description": () =>
      tokens.issueMatch({ hostname: "a", aud: "aud", app_hostname: "a" }, "192.0.2.1"),
    "a person's assertion": () => tokens.personAssertion(proof),
    "a pass's assertion": () => tokens.passAssertion(passProof satisfies PassProof, application),
    "a program's assertion": () => tokens.serviceAssertion(application, "robot"),
  };
}

test("nothing is signed on the thread that serves requests", async (context) => {
  const fixture = await openTokenFixture(context);
  for (const [what, sign] of Object.entries(await signatures(fixture))) {
    const signing = sign();
    assert.ok(signing instanceof Promise, what);
    assert.ok(await comesLater(signing), what);
    await signing;
  }
});

test("all who ask for one description at once get the one that is signed", async (context) => {
  const { tokens } = await openTokenFixture(context);
  const description = { hostname: "a.example.com", aud: "aud", app_hostname: "*.example.com" };
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) => tokens.issueMatch(description, `network ${index}`)),
  );
  assert.notEqual(answers[0], undefined);
  assert.equal(new Set(answers).size, 1);
});
