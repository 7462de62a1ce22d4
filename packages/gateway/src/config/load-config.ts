// postern.yaml → the configuration in force. Everything that is wrong with it is said at once, one
// line for each field with its place and what to do, and nothing secret is in such a line; until
// all is right, nothing changes.

import {
  type CollectedReport,
  createReport,
  type FieldPath,
  type Problem,
} from "../model/problem.ts";
import { unknownField } from "../model/read-value.ts";
import { ConfigError } from "./config-error.ts";
import { type ConfigDocument, type ConfigSource, readDocument } from "./document.ts";
import { type ConfiguredObjects, readObjects } from "./read-objects.ts";
import { readSettings, type Settings } from "./read-settings.ts";
import { sections } from "./sections.ts";
import { settingsFields } from "./settings.ts";

export { ConfigError } from "./config-error.ts";

export interface Config extends Settings, ConfiguredObjects {}

/**
 * Reads the text, and the files that it names: those filled in by `${file:…}` and those that TLS
 * needs.
 * @returns the configuration, and warnings as `file:line: field: what to consider`
 * @throws {ConfigError} with one `file:line: field: what to do` line per problem
 */
export function loadConfig(source: ConfigSource): { config: Config; warnings: string[] } {
  const document = readDocument(source);
  const report = createReport();
  const config = readConfig(document, report);
  const problems = [
    ...document.problems,
    ...report.problems.filter((problem) => !followsFrom(problem, document.problems)),
  ];
  // In the order of the file, where a person mends them.
  const inOrder = (found: readonly Problem[]) =>
    found.toSorted((a, b) => document.offsetOf(a.path) - document.offsetOf(b.path));
  const lines = (found: readonly Problem[]) =>
    inOrder(found).map((problem) => describe(problem, document));
  if (config === undefined || problems.length > 0)
    throw new ConfigError([...new Set(lines(problems))].join("\n"));
  return { config, warnings: lines(report.warnings) };
}

function readConfig(document: ConfigDocument, report: CollectedReport): Config | undefined {
  const { resolvePath } = document;
  const fields = document.value as Record<string, unknown>;
  for (const field of Object.keys(fields)) {
    if (!Object.hasOwn(settingsFields, field) && !Object.hasOwn(sections, field))
      report.problem([field], unknownField(field));
  }
  // One half may be wrong and the other still be looked at: a person wants to hear everything at
  // once.
  const settings = readSettings(fields, { report, resolvePath });
  const objects = readObjects(fields, {
    authDomain: settings?.auth_domain ?? "",
    ownHosts: new Set(settings === undefined ? [] : [settings.team_host, ...settings.relay_hosts]),
    hasMail: settings?.smtp !== undefined,
    report,
    resolvePath,
  });
  return settings && { ...settings, ...objects };
}

/** Whether this complaint is about a value that could not be filled in, which is said already. */
function followsFrom({ path }: Problem, causes: readonly Problem[]): boolean {
  return causes.some((cause) => cause.path.every((part, index) => path[index] === part));
}

function describe(problem: Problem, document: ConfigDocument): string {
  const path = writtenPath(problem.path, document.value);
  const { what, value } = problem;
  const line = document.describe(
    value === undefined || isPrivate(value, path, document)
      ? { path, what }
      : { path, what, value },
  );
  // One line, whatever somebody called their things (case O10).
  return line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/** `listen` may be a list or its only item: then the item has no path of its own. */
function writtenPath(path: FieldPath, value: unknown): FieldPath {
  const listen = (value as Record<string, unknown>)["listen"];
  return path[0] === "listen" && !Array.isArray(listen) ? ["listen"] : path;
}

/**
 * Whether a value must not be quoted: a URL may hold a password, and what comes from outside the
 * file a secret.
 */
function isPrivate(value: string, path: FieldPath, document: ConfigDocument): boolean {
  if (path[0] === "smtp" || /:.*@/s.test(value) || /secret/.test(String(path.at(-1)))) return true;
  const stands = path.reduce<unknown>(
    (at, part) => (at as Record<string | number, unknown> | undefined)?.[part],
    document.value,
  );
  return holdsFilledIn(stands, path, document);
}

/** Whether anything at `path` or below came from outside the file. */
function holdsFilledIn(value: unknown, path: FieldPath, document: ConfigDocument): boolean {
  if (typeof value !== "object" || value === null) return document.filledIn(path);
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.some(([key, item]) => holdsFilledIn(item, [...path, key], document));
}
