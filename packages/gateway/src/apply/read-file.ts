import { readFileSync } from "node:fs";
import { type ConfigDocument, readDocument } from "../config/document.ts";
import { readText } from "../config/settled-text.ts";

/**
 * Reads a file that is to be applied.
 * @param file `-` is standard input, whose paths are relative to the folder of now
 * @throws {ConfigError} when it cannot be read, or is not YAML
 */
export function readFile(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigDocument {
  const isInput = file === "-";
  const text = isInput ? readFileSync(0, "utf8") : readText(file).text;
  return readDocument({ text, file: isInput ? "standard input" : file, environment });
}
