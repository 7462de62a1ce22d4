// What the check of a service token does, whatever it is shown: the same work for every pair
// (case T14), and an end that is on time (case T9). How long the work takes is measured by
// bench/secret-timing.ts.
import assert from "node:assert/strict";
import crypto, { createHash } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock, test } from "node:test";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { makeServiceSecret } from "../../src/model/service-secret.ts";
import type { ServiceToken } from "../../src/model/service-token.ts";
import { checkServiceToken, secretExpiry } from "../../src/tokens/service-token.ts";

const now = Date.UTC(2027, 0, 31);
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const secret = makeServiceSecret(crypto.randomBytes);
const other = makeServiceSecret(crypto.randomBytes);
const before = makeServiceSecret(crypto.randomBytes);

function tokenOf(name: string, more: Partial<ServiceToken> = {}): ServiceToken {
  const client_secret_hash = hashOf(secret);
  return {
    id: name,
    name,
    client_id: `${name}.access`,
    client_secret_hash,
    enabled: true,
    ...more,
  };
}

const tokens = [
  tokenOf("robot"),
  tokenOf("off", { enabled: false }),
  tokenOf("old", { expires_at: now }),
  tokenOf("rotated", {
    previous_client_secret_hash: hashOf(before),
    previous_client_secret_expires_at: now + 1,
  }),
];
const catalog = {
  serviceTokenByClientId: new Map(tokens.map((token) => [token.client_id, token])),
} as unknown as Catalog;
const check = (name: string, shown: string, time = now) =>
  checkServiceToken({ ok: true, clientId: `${name}.access`, secret: shown }, catalog, time);

test("whatever pair a program shows, one hash is made and two are compared in constant time (T14)", (context) => {
  const hashes = mock.method(crypto, "createHash");
  const comparisons = mock.method(crypto, "timingSafeEqual");
  syncBuiltinESMExports();
  context.after(() => {
    mock.restoreAll();
    syncBuiltinESMExports();
  });
  const pairs = [
    ["robot", secret],
    ["robot", other],
    ["robot", "s"],
    ["nobody", secret],
    ["nobody", other],
    ["__proto__", secret],
    ["off", secret],
    ["off", other],
    ["old", secret],
    ["rotated", secret],
    ["rotated", before],
    ["rotated", other],
  ] as const;
  for (const [name, shown] of pairs) {
    hashes.mock.resetCalls();
    comparisons.mock.resetCalls();
    check(name, shown);
    const work = [hashes.mock.callCount(), comparisons.mock.callCount()];
    assert.deepEqual(work, [1, 2], `${name} with ${shown === secret ? "its" : "a"} secret`);
  }
});

test("a service token, and a secret that was left for a while, end at their very moment (T9)", () => {
  assert.equal(check("old", secret, now - 1).ok, true);
  assert.deepEqual(check("old", secret, now), {
    ...{ ok: false, fault: "bad_service_token", clientId: "old.access", cause: "expired" },
  });
  assert.equal(check("rotated", before, now).ok, true);
  const late = check("rotated", before, now + 1);
  assert.equal(late.ok ? undefined : late.cause, "wrong_secret");
  assert.equal(check("rotated", secret, now + 1).ok, true);
});

test("what is open by a secret ends when the secret does (T9)", () => {
  const [robot, off, old, rotated] = tokens as [
    ServiceToken,
    ServiceToken,
    ServiceToken,
    ServiceToken,
  ];
  assert.equal(secretExpiry(robot, hashOf(secret)), Number.POSITIVE_INFINITY);
  assert.equal(secretExpiry(robot, hashOf(other)), undefined);
  assert.equal(secretExpiry(off, hashOf(secret)), undefined);
  assert.equal(secretExpiry(old, hashOf(secret)), now);
  assert.equal(secretExpiry(rotated, hashOf(before)), now + 1);
});

test("a secret is 238 random bits: 40 letters and digits, none of them likelier than another", () => {
  const counts = new Map<string, number>();
  const made = Array.from({ length: 2_000 }, () => makeServiceSecret(crypto.randomBytes));
  for (const text of made)
    for (const letter of text.slice("postern_st_".length, -8))
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
  assert.equal(new Set(made).size, made.length);
  assert.equal(counts.size, 62);
  // 80,000 letters, 1,290 of each on average: six standard deviations are 216.
  for (const [letter, count] of counts)
    assert.ok(Math.abs(count - 80_000 / 62) < 216, `${letter}: ${count}`);
});
