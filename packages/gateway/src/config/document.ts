// postern.yaml as text → plain values, and the way back: from a field to the line where it stands,
// so that every complaint can say where. `${env:NAME}` and `${file:PATH}` are filled in here, after
// parsing, in values alone, and what they bring is never parsed again (case O10).
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { type FieldPath, fieldName, type Problem } from "../model/problem.ts";
import { ConfigError } from "./config-error.ts";
import { syntaxFaults } from "./syntax-faults.ts";

export interface ConfigDocument {
  /**
   * maps, lists and scalars; a field that is null is there and undefined: it means "not set", and
   * must be a known one
   */
  value: unknown;
  /** problems found while filling in */
  problems: Problem[];
  /** whether the value of a field came from outside the file */
  filledIn(path: FieldPath): boolean;
  /** where the field begins in the text; for one that is missing, where its nearest parent does */
  offsetOf(path: FieldPath): number;
  /** `file:line: field: "value" what` */
  describe(problem: Problem): string;
  /** a path as somebody wrote it, against the folder of the file */
  resolvePath(path: string): string;
}

export interface ConfigSource {
  text: string;
  /** names the file in messages; relative paths are relative to its folder */
  file: string;
  environment: Readonly<Record<string, string | undefined>>;
}

const reference = /\$\{(env|file):([^}]*)\}/g;
const maxFilledIn = 65_536;
const maxQuoted = 120;
const maxDepth = 64;

/**
 * Reads the text.
 * @throws {ConfigError} when it is not YAML, or not a map
 */
export function readDocument({ text, file, environment }: ConfigSource): ConfigDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true });
  const plain = toPlain(parsed, lines, file);
  if (!isMap(parsed.contents))
    throw new ConfigError(`${file}:1: the file is not a map of fields; see examples/postern.yaml`);
  const placeOf = (path: FieldPath) => offsetOf(parsed.contents, path);
  const lineOf = (path: FieldPath) => lines.linePos(placeOf(path)).line;

  const folder = dirname(resolve(file));
  const problems: Problem[] = [];
  const filled = new Set<string>();

  function fillIn(path: FieldPath, written: string): string {
    return written.replaceAll(reference, (_whole, kind: string, name: string) => {
      filled.add(JSON.stringify(path));
      const found = kind === "env" ? environment[name] : readSmallFile(resolve(folder, name));
      if (found !== undefined && found !== "") return found;
      const missing =
        kind === "env"
          ? `the environment variable ${name} is not set`
          : `the file ${name} is empty, too large, or cannot be read`;
      problems.push({ path, what: `${missing}; set it, or write the value` });
      return "";
    });
  }

  function copy(path: FieldPath, value: unknown): unknown {
    if (path.length > maxDepth) {
      throw new ConfigError(
        `${file}:${lineOf(path)}: is nested too deeply, or an alias leads back to what it stands in; write it out`,
      );
    }
    if (typeof value === "string") return fillIn(path, value);
    if (Array.isArray(value)) return value.map((item, index) => copy([...path, index], item));
    if (typeof value !== "object" || value === null) return value;
    if (Object.getPrototypeOf(value) !== Object.prototype) {
      problems.push({
        path,
        what: "is of a type that YAML 1.1 had; write text, a number, true, false, a list or a map",
      });
      return undefined;
    }
    // fromEntries defines own properties whatever the key is called, `__proto__` included.
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        item === null ? undefined : copy([...path, key], item),
      ]),
    );
  }

  const value = copy([], plain);
  const filledIn = (path: FieldPath) => filled.has(JSON.stringify(path));
  return {
    value,
    problems,
    filledIn,
    offsetOf: placeOf,
    describe({ path, what, value: quoted }) {
      const shown =
        quoted === undefined || filledIn(path)
          ? ""
          : `${JSON.stringify(quoted.slice(0, maxQuoted))} `;
      return `${file}:${lineOf(path)}: ${path.length === 0 ? "" : `${fieldName(path)}: `}${shown}${what}`;
    },
    resolvePath: (path) => resolve(folder, path),
  };
}

/** @throws {ConfigError} when the text is not YAML, or more than a person would write */
function toPlain(parsed: Document.Parsed, lines: LineCounter, file: string): unknown {
  try {
    const faults = syntaxFaults(parsed, lines, file);
    if (faults.length > 0) throw new ConfigError(faults.join("\n"));
    return parsed.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // The library walks nested values by recursion, and counts what aliases stand for.
    const what =
      error instanceof RangeError
        ? "the file is nested too deeply; write it flatter"
        : "too many aliases; write the values out";
    throw new ConfigError(`${file}:1: ${what}`);
  }
}

function offsetOf(root: Node | null, path: FieldPath): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => (isScalar(key) ? String(key.value) : key) === String(part),
      );
      if (pair === undefined) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)];
      offset = (item as Node | undefined)?.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

function readSmallFile(path: string): string | undefined {
  try {
    // A device or a pipe may have no end.
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > maxFilledIn) return undefined;
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch {
    return undefined;
  }
}
