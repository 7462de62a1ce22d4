// Seals a text for a file with a key from the keychain: AES-256-GCM, each with a nonce of its own.
// What the text is about is authenticated with it, so that no sealed token can be put in the place
// of another one. node:crypto is loaded by the first use: tokens in files need none.

const nonceLength = 12;
const tagLength = 16;

/** @returns bytes for `AES-256-GCM`, in base64url as the keychain keeps them */
export function newSealingKey(): string {
  return process.getBuiltinModule("node:crypto").randomBytes(32).toString("base64url");
}

/**
 * @param key as `newSealingKey` makes it
 * @param about what the text belongs to, in words that do not change
 * @returns base64url of nonce, ciphertext and tag
 */
export function seal(key: string, text: string, about: string): string {
  const { createCipheriv, randomBytes } = process.getBuiltinModule("node:crypto");
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key, "base64url"), nonce);
  cipher.setAAD(Buffer.from(about));
  const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]).toString("base64url");
}

/** @returns undefined when it was sealed with another key, or about something else */
export function unseal(key: string, sealed: string, about: string): string | undefined {
  const { createDecipheriv } = process.getBuiltinModule("node:crypto");
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < nonceLength + tagLength) return undefined;
  const nonce = bytes.subarray(0, nonceLength);
  try {
    const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key, "base64url"), nonce);
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(-tagLength));
    const start = decipher.update(bytes.subarray(nonceLength, -tagLength));
    return Buffer.concat([start, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}
