// The stored signing keys in the form in which they are used: one signs, all published ones verify,
// and the body of the certs endpoint says so (wire-protocol 2). A ring never changes; a change of
// the keys, or the end of a retired one, makes another.
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredKey } from "../storage/store.ts";
import { openPrivateKey } from "./make-signing-key.ts";

export interface KeyRing {
  /** the key that signs */
  signing: { kid: string; privateKey: KeyObject };
  /** every key that is published, by `kid` */
  published: ReadonlyMap<string, KeyObject>;
  /** the body of the certs endpoint */
  certs: string;
  /** what the ring is made of, and the retired keys that have left it */
  storedKeys: readonly StoredKey[];
  /** when the last retired key left the ring, milliseconds: a clock put back brings it back */
  validFrom: number;
  /** when the first retired key leaves the ring, milliseconds */
  validUntil: number;
}

interface RingOptions {
  secretBox: SecretBox;
  now: number;
  /** how long a retired key stays in the ring, milliseconds */
  retiredLife: number;
}

/**
 * Makes the ring of the keys that are in use at `now`.
 * @throws {Error} when no key signs, or a key cannot be read or unsealed
 */
export function makeKeyRing(
  stored: readonly StoredKey[],
  { secretBox, now, retiredLife }: RingOptions,
): KeyRing {
  const usedKeys = keysInUse(stored, now, retiredLife);
  const current = usedKeys.find((key) => key.state === "current");
  if (current === undefined)
    throw new Error("the store holds no current signing key; restore it from a backup");
  const publicKeys = usedKeys.map(readPublicKey);
  const privateKey = openPrivateKey(secretBox, current);
  const ends = stored.map((key) => endOf(key, retiredLife));
  return {
    signing: { kid: current.kid, privateKey },
    published: new Map(publicKeys.map(({ kid, key }) => [kid, key])),
    certs: certsBody(usedKeys, publicKeys, current),
    storedKeys: stored,
    validFrom: Math.max(Number.NEGATIVE_INFINITY, ...ends.filter((end) => end <= now)),
    validUntil: Math.min(...ends.filter((end) => end > now)),
  };
}

/** The keys whose time has not run out: all but those that were retired long ago. */
export function keysInUse(
  keys: readonly StoredKey[],
  now: number,
  retiredLife: number,
): StoredKey[] {
  return keys.filter((key) => endOf(key, retiredLife) > now);
}

/** When a key is neither published nor believed any more. */
function endOf(key: StoredKey, retiredLife: number): number {
  if (key.state !== "retired") return Number.POSITIVE_INFINITY;
  return (key.retired_at ?? 0) + retiredLife;
}

interface PublicKey {
  kid: string;
  jwk: JsonWebKey;
  key: KeyObject;
}

/** @throws {Error} naming the key */
function readPublicKey({ kid, public_jwk }: StoredKey): PublicKey {
  try {
    const jwk: JsonWebKey = JSON.parse(public_jwk);
    const key = createPublicKey({ key: jwk, format: "jwk" });
    return { kid, jwk, key };
  } catch (error) {
    throw new Error(
      `the public part of the stored signing key ${kid} cannot be read; restore it from a backup`,
      { cause: error },
    );
  }
}

function certsBody(
  storedKeys: readonly StoredKey[],
  publicKeys: readonly PublicKey[],
  current: StoredKey,
): string {
  const certificates = storedKeys.map(({ kid, certificate }) => ({ kid, cert: certificate }));
  return JSON.stringify({
    keys: publicKeys.map(({ kid, jwk }) => ({ kid, ...jwk, alg: "RS256", use: "sig" })),
    public_cert: certificates.find(({ kid }) => kid === current.kid),
    public_certs: certificates,
  });
}
