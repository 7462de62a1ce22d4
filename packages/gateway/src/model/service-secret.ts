// The secrets of service tokens that the gateway makes: a prefix by which scanners find them, 40
// random letters and digits (238 bits), and a checksum by which anybody tells one from a mistyped
// or made-up one, without asking the gateway.

/** What every secret of ours begins with. */
const secretPrefix = "postern_st_";

const randomLength = 40;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** The bytes below stand for the characters equally often. */
const bytesUsed = 256 - (256 % alphabet.length);
const pattern = /^postern_st_[0-9A-Za-z]{40}[0-9a-f]{8}$/;

/**
 * Makes a secret.
 * @param randomBytes as `RandomBytes` says
 */
export function makeServiceSecret(randomBytes: (size: number) => Uint8Array): string {
  let text = secretPrefix;
  while (text.length < secretPrefix.length + randomLength) {
    const [byte = bytesUsed] = randomBytes(1);
    if (byte < bytesUsed) text += alphabet[byte % alphabet.length];
  }
  return text + checksumOf(text);
}

/** Whether a secret says that it is one of ours, and is none: it was mistyped, cut, or made up. */
export function isMistyped(secret: string): boolean {
  if (!secret.startsWith(secretPrefix)) return false;
  if (!pattern.test(secret)) return true;
  return !secret.endsWith(checksumOf(secret.slice(0, secretPrefix.length + randomLength)));
}

/** CRC-32 as in zip and PNG (ISO/IEC 15948 annex D) of ASCII text, 8 hex characters. */
function checksumOf(text: string): string {
  let remainder = 0xffff_ffff;
  for (let place = 0; place < text.length; place++)
    remainder = divideByte(remainder ^ text.charCodeAt(place));
  return (~remainder >>> 0).toString(16).padStart(8, "0");
}

const reversedPolynomial = 0xedb8_8320;

function divideByte(remainder: number): number {
  let rest = remainder;
  for (let bit = 0; bit < 8; bit++)
    rest = (rest & 1) === 1 ? (rest >>> 1) ^ reversedPolynomial : rest >>> 1;
  return rest;
}
