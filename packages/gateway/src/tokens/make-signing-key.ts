// A signing key as it is stored: the public part and a certificate in clear, the private part
// sealed under the key's own name.
import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredKey } from "../storage/store.ts";
import { selfSignedCertificate } from "./certificate.ts";

const certificateLife = 10 * 365 * 24 * 60 * 60_000;

/** Makes one pair of RSA keys. */
export type GenerateKeyPair = () => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

const generateRsaKeyPair: GenerateKeyPair = () =>
  promisify(generateKeyPair)("rsa", { modulusLength: 2048 });

export interface KeyMaker {
  secretBox: SecretBox;
  randomBytes: RandomBytes;
  /** subject of the certificates */
  commonName: string;
  /** default: a new RSA pair of 2048 bits each time */
  generateKeyPair?: GenerateKeyPair | undefined;
}

/** Makes a key in the state `next`. */
export async function makeSigningKey(
  { secretBox, randomBytes, commonName, generateKeyPair = generateRsaKeyPair }: KeyMaker,
  now: number,
): Promise<StoredKey> {
  const { publicKey, privateKey } = await generateKeyPair();
  const kid = randomBytes(32).toString("hex");
  const { kty, n, e } = publicKey.export({ format: "jwk" });
  const certificate = await selfSignedCertificate({
    publicKey,
    privateKey,
    commonName,
    notBefore: new Date(now),
    notAfter: new Date(now + certificateLife),
    randomBytes,
  });
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  return {
    kid,
    state: "next",
    public_jwk: JSON.stringify({ kty, n, e }),
    certificate,
    sealed_private_key: secretBox.seal(pem, sealContext(kid)),
    created_at: now,
    activated_at: null,
    retired_at: null,
  };
}

/** @throws {Error} when it was sealed with another secret key, or for another `kid` */
export function openPrivateKey(secretBox: SecretBox, key: StoredKey): KeyObject {
  const pem = secretBox.open(key.sealed_private_key, sealContext(key.kid));
  if (pem === undefined)
    throw new Error(
      "the signing key in the store was sealed with another secret key; restore the secret_key_file that belongs to this store",
    );
  return createPrivateKey(pem);
}

function sealContext(kid: string): string {
  return `signing key ${kid}`;
}
