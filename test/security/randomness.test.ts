// What nobody may guess (case O11): each value that a gateway gives away comes from the system's
// generator, has 128 bits or more, and is never given twice.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { randomBelow, randomSecret } from "../../packages/gateway/src/login/secret-values.ts";
import { makeServiceSecret } from "../../packages/gateway/src/model/service-secret.ts";
import { randomUuid } from "../../packages/gateway/src/random.ts";
import { makeScannableSecret } from "../../packages/gateway/src/secrets/scannable-secret.ts";
import { ada, startLoginFixture } from "../../packages/gateway/test/login/login-fixture.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";

const prefixLength = "postern_st_".length;
const root = join(import.meta.dirname, "../..");

/** Bits that a text holds, by its alphabet. */
function bitsOf(text: string): number {
  const perCharacter = /^[0-9a-f-]+$/.test(text) ? 4 : 6;
  return text.replaceAll(/[^\w]/g, "").length * perCharacter;
}

function assertUnguessable(values: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, all] of values) {
    assert.equal(new Set(all).size, all.length, `${name} repeats`);
    for (const value of all.slice(0, 100)) assert.ok(bitsOf(value) >= 128, `${name}: ${value}`);
    // Whatever counts up, or holds the time, has places that hardly change; a UUID has six.
    const places = Math.min(...all.map(({ length }) => length));
    const fixed = Array.from({ length: places }, (_, place) => place).filter(
      (place) => new Set(all.map((value) => value[place])).size < 8,
    );
    assert.ok(fixed.length <= 6, `${name}: ${fixed.length} places hardly change: ${all[0]}`);
  }
}

test("O11 a hundred thousand of each kind that is made, and none is made twice", () => {
  const many = (length: number, make: () => string) => Array.from({ length }, make);
  assertUnguessable(
    new Map([
      ["secret", many(100_000, () => randomSecret(randomBytes))],
      ["id", many(100_000, () => randomUuid(randomBytes))],
      // Each takes forty draws.
      ["service token", many(10_000, () => makeServiceSecret(randomBytes).slice(prefixLength))],
      [
        "admin token",
        many(10_000, () => makeScannableSecret("postern_st_", randomBytes).slice(prefixLength)),
      ],
    ]),
  );
});

test("O11 the digits of a code are each as likely as the others", () => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (let turn = 0; turn < 100_000; turn++)
    for (const digit of String(randomBelow(1_000_000, randomBytes)).padStart(6, "0"))
      counts[Number(digit)] = (counts[Number(digit)] ?? 0) + 1;
  // Six standard deviations: one run in a hundred million is beyond.
  for (const count of counts) assert.ok(Math.abs(count - 60_000) < 6 * 233, String(counts));
});

test("O11 states, nonces and ids that a gateway gives to browsers and providers", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: { email: ada } } });
  const values = new Map<string, string[]>();
  const add = (name: string, value: string | null | undefined) => {
    assert.ok(value, name);
    values.set(name, [...(values.get(name) ?? []), value]);
  };
  for (let turn = 0; turn < 60; turn++) {
    // One network begins so many attempts; people come from many.
    const person = new Person(undefined, `127.1.${turn}.1`);
    await person.open(fixture.app("app"));
    await person.press("Example SSO");
    const asked = person.history.find(({ location }) => location?.includes("code_challenge"));
    const { searchParams } = new URL(asked?.location ?? "");
    add("state", searchParams.get("state")?.split(".").at(-1));
    add("nonce", searchParams.get("nonce"));
    add("code_challenge", searchParams.get("code_challenge"));
  }
  for (let turn = 0; turn < 200; turn++) {
    const session = await fixture.session("browser", `person${turn}@example.com`);
    add("session", session.id);
  }
  assert.deepEqual([...values.keys()], ["state", "nonce", "code_challenge", "session"]);
  assertUnguessable(values);
});

test("O11 no source takes its randomness from elsewhere than the system's generator", () => {
  const sources = globSync("packages/*/src/**/*.ts", { cwd: root });
  assert.ok(sources.length > 400, String(sources.length));
  const using = sources.filter((file) =>
    /Math\s*\.\s*random/.test(readFileSync(join(root, file), "utf8")),
  );
  // When a statement is tried again is no secret.
  assert.deepEqual(using, ["packages/gateway/src/storage/postgres-retries.ts"]);
});
