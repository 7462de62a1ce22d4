// What is wrong with an object: the path of the field, and what to do. Lines of a file, and whether
// a value may be shown, are for the reader of the file to say.

/** `["policies", 0, "name"]` */
export type FieldPath = readonly (string | number)[];

/** `policies[0].name`; keys that may hold more than a name are quoted, and cut (case O10). */
export function fieldName(path: FieldPath): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${quotedKey(part)}`))
    .join("")
    .replace(/^\./, "");
}

const longestKey = 120;

/** Where no space follows a colon, YAML takes the value for a part of the key: it is not shown. */
function quotedKey(key: string): string {
  if (/^[\w-]+$/.test(key)) return key;
  const colon = key.search(/[:=]/);
  if (colon < 0) return JSON.stringify(key.slice(0, longestKey));
  return JSON.stringify(`${key.slice(0, Math.min(colon, longestKey))}…`);
}

/** One fault of one field, or one thing to consider. */
export interface Problem {
  path: FieldPath;
  /** what is wrong and what to do, without the value */
  what: string;
  /** the text that is wrong, to be quoted where that is allowed: it may be a secret */
  value?: string;
}

/** Collects everything that is wrong, so that a person hears of it at once. */
export interface Report {
  problem(path: FieldPath, what: string, value?: string): void;
  warning(path: FieldPath, what: string): void;
}

/** A report that keeps what it is told. */
export interface CollectedReport extends Report {
  problems: Problem[];
  warnings: Problem[];
}

/** An empty report. */
export function createReport(): CollectedReport {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  return {
    problems,
    warnings,
    problem(path, what, value) {
      problems.push(value === undefined ? { path, what } : { path, what, value });
    },
    warning(path, what) {
      warnings.push({ path, what });
    },
  };
}

/** The report of a part: its paths begin at `base`. */
export function reportBelow(report: Report, base: FieldPath): Report {
  return {
    problem: (path, what, value) => report.problem([...base, ...path], what, value),
    warning: (path, what) => report.warning([...base, ...path], what),
  };
}
