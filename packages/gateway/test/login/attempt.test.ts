// Which cookies of a browser count as its attempts to sign in (case T11).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Hono } from "hono";
import type { RequestFacts } from "../../src/catalog/request-facts.ts";
import type { LoginEnv } from "../../src/login/login-context.ts";
import { type Attempt, attemptsOf, isLive, newAttempt } from "../../src/login/sign-in/attempt.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";

const secretBox = createSecretBox(randomBytes(32), randomBytes);
const minute = 60_000;

async function attemptsIn(scheme: "http" | "https", cookie: string): Promise<Attempt[]> {
  let attempts: Attempt[] = [];
  const app = new Hono<LoginEnv>();
  app.get("/", (c) => {
    c.set("facts", { scheme } as RequestFacts);
    attempts = attemptsOf(c, { secretBox });
    return c.body(null, 204);
  });
  await app.request("/", { headers: { cookie } });
  return attempts;
}

function sealed(): { attempt: Attempt; value: string } {
  const parts = { now: () => 0, randomBytes };
  const attempt = newAttempt(parts, { application: undefined }, "pin");
  const value = secretBox.seal(JSON.stringify(attempt), `sign-in attempt ${attempt.id}`);
  return { attempt, value };
}

test("over https an attempt counts under its __Host- name alone, which no sibling host can set", async () => {
  const { attempt, value } = sealed();
  const name = `postern_attempt_${attempt.id}`;
  const own = `__Host-${name}=${value}`;
  assert.equal((await attemptsIn("https", own)).length, 1);
  assert.equal((await attemptsIn("http", `${name}=${value}`)).length, 1);
  for (const planted of [
    name,
    `__Secure-${name}`,
    `__host-${name}`,
    `__HOST-${name}`,
    `\u00a0__Host-${name}`,
    `__Host-__Host-${name}`,
    `__Host-${name}0`,
  ])
    assert.deepEqual(await attemptsIn("https", `${planted}=${value}`), [], planted);
});

test("a browser that sends thousands of attempts has no more of them opened than it can have", async () => {
  const many = Array.from({ length: 1_000 }, () => {
    const { attempt, value } = sealed();
    return `postern_attempt_${attempt.id}=${value}`;
  });
  assert.equal((await attemptsIn("http", many.join("; "))).length, 10);
});

test("a clock that is put back by minutes uses up no attempt, and one that ran out stays so", () => {
  const { attempt } = sealed();
  for (const back of [2_000, minute, 5 * minute])
    assert.equal(isLive({ ...attempt, created_at: back }, 0), true);
  assert.equal(isLive({ ...attempt, created_at: 6 * minute }, 0), false);
  assert.equal(isLive({ ...attempt, created_at: 0 }, 10 * minute), false);
  assert.equal(isLive({ ...attempt, used: true }, 0), false);
});
