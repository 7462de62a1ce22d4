// What is wrong with an object: the path of the field, and what to do. Lines of a file, and whether
// a value may be shown, are for the reader of the file to say.

/** `["policies", 0, "name"]` */
export type FieldPath = readonly (string | number)[];

/**
 * `policies[0] "people".decision`; keys that may hold more than a name are quoted, and cut (case
 * O10).
 * @param nameAt what people call the item of a list at this path; undefined where nothing does
 */
export function fieldName(
  path: FieldPath,
  nameAt: (path: FieldPath) => string | undefined = () => undefined,
): string {
  return path
    .map((part, index) => {
      if (typeof part === "string") return `.${quotedKey(part)}`;
      const name = nameAt(path.slice(0, index + 1));
      return name === undefined ? `[${part}]` : `[${part}] ${quotedName(name)}`;
    })
    .join("")
    .replace(/^\./, "");
}

const longestName = 60;

function quotedName(name: string): string {
  const end = name.length > longestName ? "…" : "";
  return JSON.stringify(name.slice(0, longestName) + end);
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
  /** what to write instead */
  remedy?: Remedy;
  /** the field that an unknown one was meant to be */
  meant?: string;
}

/** What to write instead of something wrong. */
export interface Remedy {
  /** with the person's own values, which may be secrets */
  own: string;
  /** the same with values of nobody */
  example: string;
}

/** What a problem says beside its words. */
export type ProblemDetails = Pick<Problem, "value" | "remedy" | "meant">;

/** Collects everything that is wrong, so that a person hears of it at once. */
export interface Report {
  /** @param details the wrong text alone, or more */
  problem(path: FieldPath, what: string, details?: string | ProblemDetails): void;
  warning(path: FieldPath, what: string, details?: ProblemDetails): void;
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
    problem(path, what, details = {}) {
      const named = typeof details === "string" ? { value: details } : details;
      problems.push({ path, what, ...named });
    },
    warning(path, what, details = {}) {
      warnings.push({ path, what, ...details });
    },
  };
}

/** The report of a part: its paths begin at `base`. */
export function reportBelow(report: Report, base: FieldPath): Report {
  return {
    problem: (path, what, details) => report.problem([...base, ...path], what, details),
    warning: (path, what, details) => report.warning([...base, ...path], what, details),
  };
}
