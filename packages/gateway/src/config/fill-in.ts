// `${env:NAME}` and `${file:PATH}` in the values of a configuration. They are filled in after
// parsing, in values alone, and what they bring is never parsed again (case O10).
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { FieldPath, Problem } from "../model/problem.ts";

/** Where values come from that are not in the file. */
export interface FillInSources {
  environment: Readonly<Record<string, string | undefined>>;
  /** what paths are relative to */
  folder: string;
}

/** `$${env:NAME}` is the text `${env:NAME}`. */
const reference = /(\$?)\$\{(env|file):([^}]*)\}/g;
const longestFile = 65_536;
const deepest = 64;

/** The path of each file that a text names by `${file:PATH}`, once. */
export function filesNamedIn(text: string, folder: string): string[] {
  const names = [...text.matchAll(reference)]
    .filter(([_reference, mark, source]) => mark === "" && source === "file")
    .map(([_reference, _mark, _source, name = ""]) => resolve(folder, name));
  return [...new Set(names)];
}

/** A text as a file writes it, so that nothing is filled in. */
export function withoutFillIn(text: string): string {
  return text.replaceAll(/\$\{(?:env|file):[^}]*\}/g, (each) => `$${each}`);
}

/** The value is nested deeper than anybody writes, or contains itself. */
export class NestingError extends Error {
  readonly path: FieldPath;

  constructor(path: FieldPath) {
    super("nested too deeply");
    this.path = path;
  }
}

/** Copies values, filled in. */
export class FillIn {
  readonly problems: Problem[] = [];
  readonly #sources: FillInSources;
  readonly #filledPaths = new Set<string>();

  constructor(sources: FillInSources) {
    this.#sources = sources;
  }

  /** Whether the value at the path came from outside the file. */
  isFilled(path: FieldPath): boolean {
    return this.#filledPaths.has(JSON.stringify(path));
  }

  /**
   * @param value maps, lists and scalars
   * @throws {NestingError}
   */
  copy(value: unknown, path: FieldPath = []): unknown {
    if (path.length > deepest) throw new NestingError(path);
    if (typeof value === "string") return this.#fill(value, path);
    if (Array.isArray(value)) return value.map((item, index) => this.copy(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    if (Object.getPrototypeOf(value) !== Object.prototype) {
      this.problems.push({
        path,
        what: "is of a type that YAML 1.1 had; write text, a number, true, false, a list or a map",
      });
      return undefined;
    }
    return this.#copyMap(value, path);
  }

  /** A field that is null is there and undefined: it means "not set", and must be a known one. */
  #copyMap(map: object, path: FieldPath): Record<string, unknown> {
    const entries = Object.entries(map).map(([key, item]) => {
      const copy = item === null ? undefined : this.copy(item, [...path, key]);
      return [key, copy] as const;
    });
    // fromEntries defines own properties whatever the key is called, `__proto__` included.
    return Object.fromEntries(entries);
  }

  #fill(text: string, path: FieldPath): string {
    return text.replaceAll(reference, (whole, mark, source: "env" | "file", name: string) => {
      if (mark !== "") return whole.slice(1);
      this.#filledPaths.add(JSON.stringify(path));
      const value = this.#valueOf(source, name);
      if (value !== undefined && value !== "") return value;
      this.problems.push({ path, what: `${absences[source](name)}; set it, or write the value` });
      return "";
    });
  }

  #valueOf(source: "env" | "file", name: string): string | undefined {
    const { environment, folder } = this.#sources;
    return source === "env" ? environment[name] : readNamedFile(resolve(folder, name));
  }
}

const absences = {
  env: (name: string) => `the environment variable ${name} is not set`,
  file: (name: string) => `the file ${name} is empty, too large, or cannot be read`,
};

/** What a file fills in; undefined where it cannot. */
export function readNamedFile(path: string): string | undefined {
  try {
    // A device or a pipe may have no end.
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > longestFile) return undefined;
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch {
    return undefined;
  }
}
