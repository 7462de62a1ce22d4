// postern.yaml as text → plain values, and the way back: from a field to the line where it is, so
// that every complaint can say where.
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { type FieldPath, fieldName, type Problem } from "../model/problem.ts";
import { valueAt } from "../model/value-at.ts";
import { ConfigError } from "./config-error.ts";
import { FillIn, NestingError } from "./fill-in.ts";
import { syntaxFaults } from "./syntax-faults.ts";

/** A file that is YAML, whatever its fields say. */
export interface ConfigDocument {
  /** maps, lists and scalars; a field that is null is there and undefined */
  value: unknown;
  /** problems found while filling in */
  problems: Problem[];
  /** whether the value of a field came from outside the file */
  isFilledIn(path: FieldPath): boolean;
  /** where the field begins in the text; for one that is missing, where its nearest parent does */
  offsetOf(path: FieldPath): number;
  /** `file:line: field: "value" what; remedy` */
  describe(problem: Problem, options: { isPrivate: boolean }): string;
  /** the field as messages name it, with the names of list items: `applications[0] "Orders API"` */
  nameField(path: FieldPath): string;
  /** the absolute form of a path, which is relative to the folder of the file */
  resolvePath(path: string): string;
}

/** The text of a file, and what it may be filled in with. */
export interface ConfigSource {
  text: string;
  /** names the file in messages; relative paths are relative to its folder */
  file: string;
  environment: Readonly<Record<string, string | undefined>>;
}

const longestQuote = 120;

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

  const offsetOf = (path: FieldPath) => offsetIn(parsed.contents, path);
  const placeOf = (path: FieldPath) => `${file}:${lines.linePos(offsetOf(path)).line}`;
  const folder = dirname(resolve(file));
  const fillIn = new FillIn({ environment, folder });
  const value = copyOf(plain, fillIn, placeOf);
  const nameField = (path: FieldPath) =>
    fieldName(path, (itemPath) => itemName(value, itemPath, fillIn));
  return {
    value,
    problems: fillIn.problems,
    isFilledIn: (path) => fillIn.isFilled(path),
    offsetOf,
    nameField,
    describe: (problem, { isPrivate }) => {
      const field = problem.path.length === 0 ? "" : `${nameField(problem.path)}: `;
      return `${placeOf(problem.path)}: ${field}${wordsOf(problem, isPrivate)}`;
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
    const isTooDeep = error instanceof RangeError;
    const what = isTooDeep
      ? "the file is nested too deeply; write it flatter"
      : "too many aliases; write the values out";
    throw new ConfigError(`${file}:1: ${what}`);
  }
}

/** @throws {ConfigError} when it is nested too deeply */
function copyOf(plain: unknown, fillIn: FillIn, placeOf: (path: FieldPath) => string): unknown {
  try {
    return fillIn.copy(plain);
  } catch (error) {
    if (!(error instanceof NestingError)) throw error;
    throw new ConfigError(
      `${placeOf(error.path)}: is nested too deeply, or an alias leads back to what it stands in; write it out`,
    );
  }
}

function wordsOf({ what, value, remedy }: Problem, isPrivate: boolean): string {
  const isQuoted = value !== undefined && !isPrivate;
  const quote = isQuoted ? `${JSON.stringify(value.slice(0, longestQuote))} ` : "";
  if (remedy === undefined) return `${quote}${what}`;
  return `${quote}${what}; ${isPrivate ? remedy.example : remedy.own}`;
}

/**
 * Whether a text has what looks like a URL with a user: `smtp://ada:hunter2@mail`. A colon before a
 * blank is one of YAML.
 */
export function holdsPassword(text: string): boolean {
  return /[^\s{}"]:\S.*@/s.test(text);
}

/** The fields that say what people call an item of a list, the best first. */
const namingFields = ["name", "hostname", "id"];

/** What an item of a list is called in the file itself. */
function itemName(value: unknown, path: FieldPath, fillIn: FillIn): string | undefined {
  // Rules have no names; `{id: …}` among them is a mistake.
  if (["include", "require", "exclude"].includes(String(path.at(-2)))) return undefined;
  const item = valueAt(value, path);
  if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
  for (const field of namingFields) {
    const name: unknown = valueAt(item, [field]);
    if (typeof name === "string" && name.trim() !== "")
      return fillIn.isFilled([...path, field]) || holdsPassword(name) ? undefined : name;
  }
  return undefined;
}

function offsetIn(root: Node | null, path: FieldPath): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    const child = childOf(node, part);
    if (child === undefined) break;
    offset = child.offset ?? offset;
    node = child.node;
  }
  return offset;
}

/** The value of a field, or an item, and where it begins; undefined when there is none. */
function childOf(
  node: unknown,
  part: string | number,
): { node: unknown; offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => keyText(key) === String(part));
    return pair && { node: pair.value, offset: beginning(pair.key) };
  }
  if (!isSeq(node)) return undefined;
  const item = node.items[Number(part)];
  return { node: item, offset: beginning(item) };
}

function keyText(key: unknown): unknown {
  return isScalar(key) ? String(key.value) : key;
}

function beginning(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0];
}
