// The key to which the sessions at one team domain are bound (RFC 9449), for whoever keeps tokens
// in the keychain: an EC key on P-256, one for each team domain and profile. Its private part is
// sealed as tokens are, so that no copy of the folder holds it.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { type ProofJwk, proofJwkOf, thumbprintOf } from "@postern/protocol/proof";
import type { Context } from "../context.ts";
import { boundKeyFile } from "./bound-key-files.ts";
import { storeForWriting } from "./choose-store.ts";
import { createPrivateFile, readPrivateJson } from "./private-files.ts";
import { openSecret, sealSecret } from "./sealed-tokens.ts";

export interface BoundKey {
  privateKey: KeyObject;
  jwk: ProofJwk;
  /** RFC 7638, as `jkt` of the tokens says it */
  thumbprint: string;
}

/** Keys that this process has opened, by their sealed text. */
const opened = new Map<string, BoundKey>();

type Reader = Pick<Context, "home" | "profile" | "environment">;

function aboutKey(team: string): string {
  return JSON.stringify(["key", team]);
}

/**
 * The key of a team domain.
 * @returns undefined where there is none
 * @throws {CliError} failure when it cannot be opened here
 */
export function readBoundKey(reader: Reader, team: string): BoundKey | undefined {
  const record = readPrivateJson(reader.home, boundKeyFile(reader, team));
  if (record?.["team"] !== team || typeof record["sealed"] !== "string") return undefined;
  const sealed = record["sealed"];
  const key = opened.get(sealed) ?? openKey(openSecret(reader, sealed, aboutKey(team)));
  opened.set(sealed, key);
  return key;
}

/** @param pem PKCS#8 */
function openKey(pem: string): BoundKey {
  const privateKey = createPrivateKey(pem);
  const jwk = proofJwkOf(createPublicKey(privateKey));
  return { privateKey, jwk, thumbprint: thumbprintOf(jwk) };
}

/**
 * The key for a sign-in that begins now, made where there is none.
 * @returns undefined where tokens are kept in files: their sessions are bound to nothing
 * @throws {CliError} failure when the store that was chosen cannot be used
 */
export function keyForSignIn(context: Context, team: string): BoundKey | undefined {
  const choice = storeForWriting(context);
  if (choice.kind === "file") return undefined;
  const existing = readBoundKey(context, team);
  if (existing !== undefined) return existing;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const sealed = sealSecret(context, choice.keyId, pem, aboutKey(team));
  const text = `${JSON.stringify({ team, sealed })}\n`;
  // Of several that sign in at once, the first has made the key of all.
  createPrivateFile(context.home, boundKeyFile(context, team), text);
  return readBoundKey(context, team);
}
