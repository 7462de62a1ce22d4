// `node bench/secret-timing.ts`: whether the time of a check tells anything of a service token
// (case T14). Pairs are checked in random order, and the means of each two kinds compared by
// Welch's t: below 4.5 nobody can tell them apart by as many tries.
import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Catalog } from "../packages/gateway/src/catalog/catalog.ts";
import { makeServiceSecret } from "../packages/gateway/src/model/service-secret.ts";
import { checkServiceToken } from "../packages/gateway/src/tokens/service-token.ts";

const samples = 20_000;
/** Samples above this share are others' doing: a collection, another process. */
const keptShare = 0.95;

const tokenCount = 200;
/** As text arrives from a socket: strings that were joined are dearer to read, once. */
const flat = (text: string) => Buffer.from(text).toString("latin1");
const newId = () => flat(`${randomBytes(16).toString("hex")}.access`);
const newSecret = () => flat(makeServiceSecret(randomBytes));
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

const tokens = Array.from({ length: tokenCount }, (_, index) => {
  const secret = newSecret();
  const stored = hashOf(secret);
  const id = newId();
  const token = { id: `${index}`, name: "robot", client_id: id, client_secret_hash: stored };
  return { id, secret, stored, token: { ...token, enabled: index % 2 === 0 } };
});
const catalog = {
  serviceTokenByClientId: new Map(tokens.map(({ id, token }) => [id, token])),
} as unknown as Catalog;
const enabled = tokens.filter(({ token }) => token.enabled);
const disabled = tokens.filter(({ token }) => !token.enabled);

/** A secret whose hash agrees with a stored one in its first byte, or not. */
function agreeing(stored: string, wanted: boolean): string {
  for (;;) {
    const made = newSecret();
    if (hashOf(made).startsWith(stored.slice(0, 2)) === wanted) return made;
  }
}

type Pair = readonly [clientId: string, secret: string];

const wrong = (): Pair[] => enabled.map(({ id, stored }) => [id, agreeing(stored, false)]);
const kinds = [
  { what: "a known id, a wrong secret", pairs: wrong() },
  {
    what: "the same, the first byte of the hash right",
    pairs: enabled.map(({ id, stored }): Pair => [id, agreeing(stored, true)]),
  },
  { what: "an unknown id", pairs: enabled.map((): Pair => [newId(), newSecret()]) },
  {
    what: "a disabled token, its secret",
    pairs: disabled.map(({ id, secret }): Pair => [id, secret]),
  },
  { what: "the same as the first, once more", pairs: wrong() },
].map((kind) => ({ ...kind, times: [] as number[] }));

const now = Date.now();
function run({ pairs }: { pairs: readonly Pair[] }): number {
  const [clientId = "", secret = ""] = pairs[randomInt(pairs.length)] ?? [];
  const credentials = { ok: true, clientId, secret } as const;
  const begun = process.hrtime.bigint();
  checkServiceToken(credentials, catalog, now);
  return Number(process.hrtime.bigint() - begun);
}

for (const kind of kinds) for (let count = 0; count < 5_000; count++) run(kind);
for (let count = 0; count < samples * kinds.length; count++) {
  const kind = kinds[randomInt(kinds.length)];
  if (kind !== undefined && kind.times.length < samples) kind.times.push(run(kind));
}

interface Sample {
  mean: number;
  variance: number;
  count: number;
}

function sampleOf(times: readonly number[]): Sample {
  const sorted = times.toSorted((one, other) => one - other);
  const kept = sorted.slice(0, Math.floor(sorted.length * keptShare));
  const mean = kept.reduce((sum, each) => sum + each, 0) / kept.length;
  const squares = kept.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, variance: squares / (kept.length - 1), count: kept.length };
}

function welch(one: Sample, other: Sample): number {
  const spread = Math.sqrt(one.variance / one.count + other.variance / other.count);
  return (one.mean - other.mean) / spread;
}

const [first] = kinds;
for (const { what, times } of kinds) {
  const sample = sampleOf(times);
  const t = welch(sample, sampleOf(first?.times ?? []));
  console.log(`${sample.mean.toFixed(1).padStart(8)} ns  t = ${t.toFixed(2).padStart(6)}  ${what}`);
}
