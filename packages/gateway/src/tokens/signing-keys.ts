// The keys that sign (wire-protocol 2): one `next`, published and waiting; one `current`, signing;
// the retired ones, verifying until nothing that they signed can be alive. A key is always
// published before it signs, so an origin that has just fetched the list never meets a key that is
// not on it.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store, StoredKey } from "../storage/store.ts";
import { selfSignedCertificate } from "./certificate.ts";
import { changeKeys } from "./change-keys.ts";

const day = 24 * 60 * 60_000;
const certificateLife = 10 * 365 * day;
/** How long a retired key stays at least (wire-protocol 2). */
const retiredAtLeast = 7 * day;

export interface SigningKeys {
  /** the key that signs now */
  signing(): { kid: string; privateKey: KeyObject };
  /** any published key */
  find(kid: string): KeyObject | undefined;
  /** the body of the certs endpoint */
  certs(): string;
  rotate(): Promise<void>;
  reload(): Promise<void>;
}

/** Makes one pair of RSA keys. */
export type GenerateKeyPair = () => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

const generateRsaKeyPair: GenerateKeyPair = () =>
  promisify(generateKeyPair)("rsa", { modulusLength: 2048 });

interface Deps {
  store: Store;
  secretBox: SecretBox;
  now: Clock;
  /** subject of the certificates */
  commonName: string;
  /** the longest time for which a token may live, milliseconds */
  longestToken: () => number;
  /** default: a new RSA pair of 2048 bits each time */
  generateKeyPair?: GenerateKeyPair | undefined;
}

/**
 * Opens the store's keys, making the first two when there are none. @throws {Error} when they
 * cannot be unsealed
 */
export async function openSigningKeys(deps: Deps): Promise<SigningKeys> {
  const { store, now } = deps;
  let published = new Map<string, KeyObject>();
  let signing: { kid: string; privateKey: KeyObject };
  let body = "";
  let taken: StoredKey[] = [];
  let nextEnd = Number.POSITIVE_INFINITY;

  const endOf = (key: StoredKey) =>
    key.state === "retired"
      ? (key.retired_at ?? 0) + Math.max(retiredAtLeast, deps.longestToken())
      : Number.POSITIVE_INFINITY;
  const alive = (key: StoredKey) => endOf(key) > now();

  function take(stored: readonly StoredKey[]): void {
    const keys = stored.filter(alive);
    const current = keys.find((key) => key.state === "current");
    if (current === undefined)
      throw new Error("the store holds no current signing key; restore it from a backup");
    signing = { kid: current.kid, privateKey: unseal(deps, current) };
    published = new Map(
      keys.map((key) => [
        key.kid,
        createPublicKey({ key: JSON.parse(key.public_jwk), format: "jwk" }),
      ]),
    );
    const certificates = keys.map(({ kid, certificate }) => ({ kid, cert: certificate }));
    body = JSON.stringify({
      keys: keys.map(({ kid, public_jwk }) => ({
        kid,
        ...JSON.parse(public_jwk),
        alg: "RS256",
        use: "sig",
      })),
      public_cert: certificates.find(({ kid }) => kid === current.kid),
      public_certs: certificates,
    });
    taken = keys;
    nextEnd = Math.min(...keys.map(endOf));
  }

  /**
   * A retired key's time runs out between two rotations: from then on it is neither published nor
   * believed.
   */
  function dropEnded(): void {
    if (now() >= nextEnd) take(taken);
  }

  const stored = await store.keys.all();
  if (stored.some((key) => key.state === "current")) take(stored);
  else {
    const [first, second] = [await makeKey(deps), await makeKey(deps)];
    // Another process may have been first: its keys then stand.
    take(
      await changeKeys(store.keys, (keys) =>
        keys.some((key) => key.state === "current")
          ? keys
          : [...keys, { ...first, state: "current", activated_at: now() }, second],
      ),
    );
  }

  return {
    signing: () => signing,
    find(kid) {
      dropEnded();
      return published.get(kid);
    },
    certs() {
      dropEnded();
      return body;
    },
    async rotate() {
      const before = signing.kid;
      const fresh = await makeKey(deps);
      take(
        await changeKeys(store.keys, (keys) => rotated(keys.filter(alive), before, fresh, now())),
      );
    },
    async reload() {
      take(await store.keys.all());
    },
  };
}

/**
 * The step itself. Does nothing when another process has rotated since `before` was seen to sign.
 */
function rotated(keys: StoredKey[], before: string, fresh: StoredKey, now: number): StoredKey[] {
  if (!keys.some((key) => key.state === "current" && key.kid === before)) return keys;
  const successor = keys.find((key) => key.state === "next") ?? fresh;
  const others = keys.filter((key) => key !== successor);
  return [
    ...others.map(
      (key): StoredKey =>
        key.state === "current" ? { ...key, state: "retired", retired_at: now } : key,
    ),
    { ...successor, state: "current", activated_at: now },
    ...(successor === fresh ? [] : [fresh]),
  ];
}

async function makeKey({
  secretBox,
  now,
  commonName,
  generateKeyPair: generate = generateRsaKeyPair,
}: Deps): Promise<StoredKey> {
  const { publicKey, privateKey } = await generate();
  const kid = randomBytes(32).toString("hex");
  const { kty, n, e } = publicKey.export({ format: "jwk" });
  return {
    kid,
    state: "next",
    public_jwk: JSON.stringify({ kty, n, e }),
    certificate: selfSignedCertificate({
      publicKey,
      privateKey,
      commonName,
      notBefore: new Date(now()),
      notAfter: new Date(now() + certificateLife),
    }),
    sealed_private_key: secretBox.seal(
      privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
      sealContext(kid),
    ),
    created_at: now(),
    activated_at: null,
    retired_at: null,
  };
}

function unseal({ secretBox }: Deps, key: StoredKey): KeyObject {
  const pem = secretBox.open(key.sealed_private_key, sealContext(key.kid));
  if (pem === undefined)
    throw new Error(
      "the signing key in the store was sealed with another secret key; bring back the secret_key_file that belongs to this store",
    );
  return createPrivateKey(pem);
}

function sealContext(kid: string): string {
  return `signing key ${kid}`;
}
