// The secret key and what is done with it. Everything that the store must not show, and everything
// that travels through other hands, is sealed or authenticated with keys derived from this one, a
// different one for each purpose.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { SecretBox } from "../tokens/tokens.ts";

const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;
const cipher = "aes-256-gcm";
// Purposes may hold what a request says (the anti-CSRF value of one path): the cache is bounded.
const keptKeys = 500;

/** @throws {Error} when the key is not 32 bytes */
export function createSecretBox(key: Buffer): SecretBox {
  if (key.length !== keyLength)
    throw new Error(`the secret key must be ${keyLength} bytes, this one has ${key.length}`);
  const kept = new Map<string, Buffer>();

  /** RFC 5869. `info` begins with how the key is used, so that no two uses ever share one. */
  function derived(info: string): Buffer {
    const known = kept.get(info);
    if (known !== undefined) return known;
    const made = Buffer.from(hkdfSync("sha256", key, "", `postern ${info}`, keyLength));
    if (kept.size >= keptKeys) kept.delete(kept.keys().next().value ?? "");
    kept.set(info, made);
    return made;
  }

  const sealing = derived("seal");
  return {
    seal(plain, context) {
      const nonce = randomBytes(nonceLength);
      const encryption = createCipheriv(cipher, sealing, nonce, {
        authTagLength: tagLength,
      }).setAAD(Buffer.from(context));
      const encrypted = Buffer.concat([encryption.update(plain, "utf8"), encryption.final()]);
      return Buffer.concat([nonce, encrypted, encryption.getAuthTag()]).toString("base64url");
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, "base64url");
      // One spelling only: bits that base64url leaves unused are not authenticated.
      if (bytes.length < nonceLength + tagLength || bytes.toString("base64url") !== sealed)
        return undefined;
      const decryption = createDecipheriv(cipher, sealing, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-tagLength));
      const plain = decryption.update(bytes.subarray(nonceLength, -tagLength));
      try {
        return Buffer.concat([plain, decryption.final()]).toString("utf8");
      } catch {
        return undefined;
      }
    },
    mac: (purpose, value) =>
      createHmac("sha256", derived(`mac ${purpose}`))
        .update(value)
        .digest("hex"),
    derive: (purpose) => derived(`key ${purpose}`),
  };
}

/**
 * Reads the secret key, 64 hex characters in a file that nobody else can read; makes it when there
 * is none. Processes that start at once all get the same.
 * @throws {Error} in one line, when the file is not what it must be
 */
export function loadSecretKey(file: string): Buffer {
  const standing = readSecretKey(file);
  if (standing !== undefined) return standing;
  try {
    makeSecretKey(file);
  } catch (error) {
    throw new Error(
      `${file}: the secret key cannot be made (${codeOf(error)}); let this user write there, or change secret_key_file`,
    );
  }
  const made = readSecretKey(file);
  if (made === undefined)
    throw new Error(
      `${file}: the secret key was removed while the gateway started; start it again`,
    );
  return made;
}

/**
 * Undefined when there is no such file. Whatever looks wrong is refused, never repaired: others may
 * have read it.
 */
function readSecretKey(file: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP")
      throw new Error(
        `${file}: the secret key must not be a symbolic link; name the file itself in secret_key_file`,
      );
    throw new Error(
      `${file}: the secret key cannot be read (${code}); let this user read it, or change secret_key_file`,
    );
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile())
      throw new Error(`${file}: the secret key must be a file; change secret_key_file`);
    if (stats.uid !== process.geteuid?.())
      throw new Error(
        `${file}: the secret key belongs to another user; run \`chown\` to give it to this one`,
      );
    if ((stats.mode & 0o077) !== 0)
      throw new Error(
        `${file}: the secret key is open to other users of this machine; run \`chmod 600 ${file}\``,
      );
    const text = readFileSync(descriptor, "latin1");
    if (!/^[0-9a-f]{64}\s*$/i.test(text))
      throw new Error(
        `${file}: the secret key must be 64 hex characters; restore it from a backup (a new one opens nothing that is stored)`,
      );
    return Buffer.from(text.trim(), "hex");
  } finally {
    closeSync(descriptor);
  }
}

/** Appears with all its content or not at all; whoever comes second leaves the first one's. */
function makeSecretKey(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${basename(file)}.${randomBytes(8).toString("hex")}`);
  writeDurably(openSync(temporary, "wx", 0o600), `${randomBytes(keyLength).toString("hex")}\n`);
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    unlinkSync(temporary);
  }
  // The name as well: a key that is lost after it has sealed something takes that with it.
  writeDurably(openSync(folder, constants.O_RDONLY));
}

function writeDurably(descriptor: number, text?: string): void {
  try {
    if (text !== undefined) writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
