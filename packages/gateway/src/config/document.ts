// postern.yaml as text → plain values, and the way back: from a field to the line where it stands, so that
// every complaint can say where. `${env:NAME}` and `${file:PATH}` are filled in here, after parsing, in values
// alone, and what they bring is never parsed again (case O10).
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { ConfigError } from "../errors.ts";

export type FieldPath = readonly (string | number)[];

export interface Problem {
  path: FieldPath;
  /** what is wrong and what to do, without the value */
  what: string;
  /** quoted in the message, unless it was filled in from outside: that may be a secret */
  value?: string;
}

export interface ConfigDocument {
  /** maps, lists and scalars; keys with a null value are left out: they mean "not set" */
  value: unknown;
  /** problems found while filling in */
  problems: Problem[];
  /** whether the value of a field came from outside the file */
  filledIn(path: FieldPath): boolean;
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

/**
 * Reads the text.
 * @throws {ConfigError} when it is not YAML, or not a map
 */
export function readDocument({ text, file, environment }: ConfigSource): ConfigDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true });
  const faults = [...parsed.errors, ...parsed.warnings].map(
    (fault) => `${file}:${lines.linePos(fault.pos[0]).line}: ${fault.message.replaceAll(/\s+/g, " ")}`,
  );
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
  let plain: unknown;
  try {
    plain = parsed.toJS({ maxAliasCount: 100 });
  } catch {
    throw new ConfigError(`${file}:1: too many aliases; write the values out`);
  }
  if (!isMap(parsed.contents)) throw new ConfigError(`${file}:1: the file is not a map of fields; see examples/postern.yaml`);

  const folder = dirname(resolve(file));
  const problems: Problem[] = [];
  const filled = new Set<string>();

  function fillIn(path: FieldPath, written: string): string {
    return written.replaceAll(reference, (_whole, kind: string, name: string) => {
      filled.add(JSON.stringify(path));
      const found = kind === "env" ? environment[name] : readSmallFile(resolve(folder, name));
      if (found !== undefined && found !== "") return found;
      const missing = kind === "env" ? `the environment variable ${name} is not set` : `the file ${name} is empty or cannot be read`;
      problems.push({ path, what: `${missing}; set it, or write the value` });
      return "";
    });
  }

  function copy(path: FieldPath, value: unknown): unknown {
    if (typeof value === "string") return fillIn(path, value);
    if (Array.isArray(value)) return value.map((item, index) => copy([...path, index], item));
    if (typeof value !== "object" || value === null) return value;
    // fromEntries defines own properties whatever the key is called, `__proto__` included.
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, copy([...path, key], item)] as const])),
    );
  }

  const value = copy([], plain);
  const filledIn = (path: FieldPath) => filled.has(JSON.stringify(path));
  return {
    value,
    problems,
    filledIn,
    describe({ path, what, value: quoted }) {
      const line = lines.linePos(offsetOf(parsed.contents, path)).line;
      const shown = quoted === undefined || filledIn(path) ? "" : `${JSON.stringify(quoted.slice(0, maxQuoted))} `;
      return `${file}:${line}: ${path.length === 0 ? "" : `${fieldName(path)}: `}${shown}${what}`;
    },
    resolvePath: (path) => resolve(folder, path),
  };
}

/** `applications[0].policies[1].include` */
function fieldName(path: FieldPath): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${oneLine(part)}`))
    .join("")
    .replace(/^\./, "");
}

function oneLine(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key.slice(0, maxQuoted));
}

/** Where the field begins in the text; for a field that is missing, where its nearest parent does. */
function offsetOf(root: Node | null, path: FieldPath): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(part));
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
    const text = readFileSync(path, "utf8");
    return text.length > maxFilledIn ? undefined : text.replace(/\r?\n$/, "");
  } catch {
    return undefined;
  }
}
