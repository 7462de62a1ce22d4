// Key pairs for gateways under test. An RSA pair costs a tenth of a second, and the suites start
// hundreds of gateways: `npm test` makes a few pairs once for the whole run (scripts/test.mjs).
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { readFileSync } from "node:fs";
import type { GenerateKeyPair } from "../../packages/gateway/src/tokens/make-signing-key.ts";

/** Names the file with the run's private keys, a JSON list of PEM. */
const variable = "POSTERN_TEST_KEYS";

let pairs: { publicKey: KeyObject; privateKey: KeyObject }[] | undefined;
let taken = 0;

/** Gives the run's pairs in turn: two keys of one store are never the same. */
export const testKeyPair: GenerateKeyPair = async () => {
  pairs ??= readPairs();
  const pair = pairs[taken++ % pairs.length];
  if (pair === undefined) throw new Error(`${variable} names an empty file`);
  return pair;
};

function readPairs(): NonNullable<typeof pairs> {
  const file = process.env[variable];
  if (file === undefined) return Array.from({ length: 2 }, makePair);
  const pems: string[] = JSON.parse(readFileSync(file, "utf8"));
  return pems.map((pem) => {
    const privateKey = createPrivateKey(pem);
    return { privateKey, publicKey: createPublicKey(privateKey) };
  });
}

function makePair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}
