// postern.yaml → the configuration in force. Everything that is wrong with it is said at once, one
// line for each field with its place and what to do, and nothing secret is in such a line. Until
// all is right, nothing changes.

import {
  type CollectedReport,
  createReport,
  type FieldPath,
  type Problem,
} from "../model/problem.ts";
import { isMap, reportUnknownField } from "../model/read-value.ts";
import { valueAt } from "../model/value-at.ts";
import { ConfigError } from "./config-error.ts";
import { type ConfigDocument, type ConfigSource, holdsPassword, readDocument } from "./document.ts";
import { type ConfiguredObjects, readObjects } from "./read-objects.ts";
import { readSettings, type Settings } from "./read-settings.ts";
import { runAccessTests } from "./run-access-tests.ts";
import { sections } from "./sections.ts";
import { settingsFields } from "./settings.ts";
import { warnOfStrayCharacters } from "./stray-characters.ts";

export { ConfigError } from "./config-error.ts";

/** A configuration without faults. */
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
  warnOfStrayCharacters(document.value, document.isFilledIn, report);
  const problems = problemsOf(document, document.problems, report);
  if (config === undefined || problems.length > 0) {
    const lines = new Set(linesOf(problems, document));
    const warnings = report.warnings.filter((each) => !isParentOf(each, problems));
    throw new ConfigError([...lines].join("\n"), linesOf(warnings, document));
  }
  return { config, warnings: linesOf(report.warnings, document) };
}

/**
 * Everything that is wrong with a file, without what only follows from something else.
 * @param ofDocument what could not be filled in
 */
export function problemsOf(
  document: ConfigDocument,
  ofDocument: readonly Problem[],
  report: CollectedReport,
): Problem[] {
  const ownProblems = report.problems.filter((each) => !followsFrom(each, ofDocument));
  return withoutMeantFields([...ofDocument, ...ownProblems], document);
}

/** Every field at the top of a file. */
const fieldNames = [...Object.keys(settingsFields), ...Object.keys(sections)];

function readConfig(document: ConfigDocument, report: CollectedReport): Config | undefined {
  const { resolvePath, nameField, isFilledIn } = document;
  const fields = document.value as Record<string, unknown>;
  for (const field of Object.keys(fields)) {
    if (!fieldNames.includes(field)) reportUnknownField([field], fieldNames, report);
  }
  // One half may be wrong and the other still be looked at: a person wants to hear everything at
  // once.
  const settings = readSettings(fields, { report, resolvePath });
  const ownHosts = settings === undefined ? [] : [settings.team_host, ...settings.relay_hosts];
  const objects = readObjects(fields, {
    authDomain: settings?.auth_domain ?? "",
    ownHosts: new Set(ownHosts),
    hasMail: settings?.smtp !== undefined,
    knowsCountries: settings?.geoip_file !== undefined,
    report,
    resolvePath,
    nameField,
    isFilledIn,
  });
  const isSound = report.problems.length === 0 && document.problems.length === 0;
  runAccessTests(fields, isSound ? objects : undefined, report);
  return settings && { ...settings, ...objects };
}

/** Whether a warning is about something that has a mistake in it, and may be due to it. */
function isParentOf({ path }: Problem, problems: readonly Problem[]): boolean {
  return problems.some((problem) => path.every((part, index) => problem.path[index] === part));
}

/** Whether the complaint is about a value that could not be filled in, which is said already. */
function followsFrom({ path }: Problem, causes: readonly Problem[]): boolean {
  return causes.some((cause) => cause.path.every((part, index) => path[index] === part));
}

/**
 * Without what follows from a misspelt field: that the one that was meant is missing, and what is
 * said of the whole map.
 */
function withoutMeantFields(problems: readonly Problem[], document: ConfigDocument): Problem[] {
  const explained = new Set<string>();
  for (const { path, meant } of problems) {
    if (meant === undefined) continue;
    const parent = path.slice(0, -1);
    const field = [...parent, meant];
    explained.add(JSON.stringify(parent));
    if (valueAt(document.value, field) === undefined) explained.add(JSON.stringify(field));
  }
  return problems.filter(({ path }) => !explained.has(JSON.stringify(path)));
}

/** One line each, in the order of the file, where a person mends them. */
export function linesOf(problems: readonly Problem[], document: ConfigDocument): string[] {
  return problems
    .toSorted((a, b) => document.offsetOf(a.path) - document.offsetOf(b.path))
    .map((problem) => lineOf(problem, document));
}

function lineOf(problem: Problem, document: ConfigDocument): string {
  const path = pathInFile(problem.path, document.value);
  const { value = "", remedy } = problem;
  const isHidden = isPrivate(`${value} ${remedy?.own}`, path, document);
  const line = document.describe({ ...problem, path }, { isPrivate: isHidden });
  // One line that no terminal obeys, whatever somebody called their things (case O10).
  return line.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ");
}

/** `listen` may be a list or its only item: then the item has no path of its own. */
function pathInFile(path: FieldPath, value: unknown): FieldPath {
  const isOnlyItem = path[0] === "listen" && !Array.isArray(valueAt(value, ["listen"]));
  return isOnlyItem ? ["listen"] : path;
}

/**
 * Whether a value must not be quoted: a URL may hold a password, and what comes from outside the
 * file a secret.
 */
function isPrivate(value: string, path: FieldPath, document: ConfigDocument): boolean {
  if (holdsPassword(value) || secretField.test(String(path.at(-1)))) return true;
  return holdsFilledIn(valueAt(document.value, path), path, document);
}

const secretField = /secret|password|private_key/;

/** Whether anything at the path or below came from outside the file. */
function holdsFilledIn(value: unknown, path: FieldPath, document: ConfigDocument): boolean {
  if (Array.isArray(value))
    return value.some((item, index) => holdsFilledIn(item, [...path, index], document));
  if (!isMap(value)) return document.isFilledIn(path);
  return Object.entries(value).some(([key, item]) => holdsFilledIn(item, [...path, key], document));
}
