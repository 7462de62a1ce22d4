import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const name = "SHA256SUMS";

/** Writes the SHA-256 of every file in the folder, as `sha256sum --check` reads it. */
export function writeChecksums(folder) {
  const files = readdirSync(folder).filter((file) => file !== name);
  const lines = files.sort().map((file) => `${sha256Of(join(folder, file))}  ${file}\n`);
  writeFileSync(join(folder, name), lines.join(""));
}

/** In hexadecimal. */
export function sha256Of(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
