// Where the key of an application's SSH logins and its certificate lie. ssh finds the certificate
// by the name of the key. The key never leaves the folder and is made once; only the certificate
// ends.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { join } from "node:path";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import {
  createPrivateFile,
  fileNameOf,
  readPrivateFile,
  writePrivateFile,
} from "../store/private-files.ts";
import { publicKeyLine } from "./certificate.ts";

export interface KeyFiles {
  /** for `IdentityFile` */
  key: string;
  certificate: string;
}

type Store = Pick<Context, "home" | "profile">;

/** @param host `host[:port]` of the application */
export function keyFilesOf(store: Store, host: string): KeyFiles {
  const key = join(keyFolder(store), `${fileNameOf(host)}-key`);
  return { key, certificate: `${key}-cert.pub` };
}

/** Where the keys of one profile are. */
export function keyFolder({ home, profile }: Store): string {
  return join(home, "ssh", fileNameOf(profile));
}

/**
 * The public key, of a pair that is made where there is none.
 * @returns the uncompressed point
 * @throws {CliError} failure
 */
export function ensureKey(store: Store, app: AppUrl): Buffer {
  const { key: path } = keyFilesOf(store, app.host);
  const text = readPrivateFile(store.home, path) ?? makeKey(store, path);
  const point = pointOf(readKey(text, path));
  const line = `${publicKeyLine(point)} ${app.host}\n`;
  const publicPath = `${path}.pub`;
  if (readPrivateFile(store.home, publicPath) !== line)
    writePrivateFile(store.home, publicPath, line);
  return point;
}

/** @returns the key that is there afterwards, which another process may have made */
function makeKey({ home }: Store, path: string): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  // The form that every OpenSSH reads (RFC 5915).
  const text = String(privateKey.export({ type: "sec1", format: "pem" }));
  if (createPrivateFile(home, path, text)) return text;
  return readPrivateFile(home, path) ?? text;
}

function readKey(text: string, path: string): KeyObject {
  const key = parseKey(text);
  if (key?.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw new CliError("failure", `${path} is not a key of this program; remove it to get another`);
}

function parseKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function pointOf(privateKey: KeyObject): Buffer {
  const { x = "", y = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const coordinates = [x, y].map((each) => Buffer.from(each, "base64url"));
  return Buffer.concat([Buffer.from([0x04]), ...coordinates]);
}
