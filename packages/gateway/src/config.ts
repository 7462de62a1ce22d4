// postern.yaml → the configuration in force. Everything that is wrong with it is said at once, one line for each
// field with its place and what to do, and nothing secret is in such a line; until all is right, nothing changes.
import { checkAuthorities } from "./config/certificate-files.ts";
import { type ConfigDocument, type ConfigSource, type FieldPath, type Problem, readDocument } from "./config/document.ts";
import { type ConfiguredObjects, objectsShape, readObjects } from "./config/objects.ts";
import { readSettings, type Settings, settingsShape } from "./config/read-settings.ts";
import { readShape } from "./config/read-shape.ts";
import { type CollectedReport, createReport } from "./config/report.ts";
import { ConfigError } from "./errors.ts";

export { ConfigError } from "./errors.ts";

export interface Config extends Settings, ConfiguredObjects {}

/**
 * Reads the text, and the files that it names: those filled in by `${file:…}` and those that TLS needs.
 * @returns the configuration, and warnings as `file:line: field: what to consider`
 * @throws {ConfigError} with one `file:line: field: what to do` line per problem
 */
export function loadConfig(source: ConfigSource): { config: Config; warnings: string[] } {
  const document = readDocument(source);
  const report = createReport();
  const config = readConfig(document, report);
  const problems = [...document.problems, ...report.problems.filter((problem) => !followsFrom(problem, document.problems))];
  const lines = (found: readonly Problem[]) => found.map((problem) => describe(problem, document)).sort(byLine(source.file));
  if (config === undefined || problems.length > 0) throw new ConfigError([...new Set(lines(problems))].join("\n"));
  return { config, warnings: lines(report.warnings) };
}

function readConfig(document: ConfigDocument, report: CollectedReport): Config | undefined {
  const { resolvePath } = document;
  const fields = document.value as Record<string, unknown>;
  for (const field of Object.keys(fields)) {
    if (!Object.hasOwn(settingsShape.shape, field) && !Object.hasOwn(objectsShape.shape, field))
      report.problem([field], "unknown field; remove it, or correct its name");
  }
  // One half may be wrong and the other still be looked at: a person wants to hear everything at once.
  const writtenSettings = readShape(settingsShape, fields, [], report);
  const settings = writtenSettings && readSettings(writtenSettings, { report, resolvePath });
  const writtenObjects = readShape(objectsShape, fields, [], report);
  if (writtenObjects === undefined) return undefined;
  const objects = readObjects(writtenObjects, {
    authDomain: settings?.auth_domain ?? "",
    ownHosts: new Set(settings === undefined ? [] : [settings.team_host, ...settings.relay_hosts]),
    report,
    resolvePath,
  });
  writtenObjects.ingress.forEach(({ originRequest: { caPool } }, index) => {
    if (caPool !== undefined) checkAuthorities(resolvePath(caPool), ["ingress", index, "originRequest", "caPool"], report);
  });
  if (settings === undefined) return undefined;
  if (settings.smtp === undefined) warnAboutPins(objects, report);
  return { ...settings, ...objects };
}

function warnAboutPins({ identity_providers }: ConfiguredObjects, report: CollectedReport): void {
  identity_providers.forEach(({ type }, index) => {
    if (type === "onetimepin") report.warning(["identity_providers", index], "mails PINs, and no mail server is configured; add smtp");
  });
}

/** Whether this complaint is about a value that could not be filled in, which is said already. */
function followsFrom({ path }: Problem, causes: readonly Problem[]): boolean {
  return causes.some((cause) => cause.path.every((part, index) => path[index] === part));
}

function describe(problem: Problem, document: ConfigDocument): string {
  const path = writtenPath(problem.path, document.value);
  const what = withoutFilledIn(problem.what, document);
  const { value } = problem;
  const line = document.describe(value === undefined || isPrivate(value, path, document) ? { path, what } : { path, what, value });
  // One line, whatever somebody called their things (case O10).
  return line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/** `listen` may be a list or its only item: then the item has no path of its own. */
function writtenPath(path: FieldPath, value: unknown): FieldPath {
  const listen = (value as Record<string, unknown>)["listen"];
  return path[0] === "listen" && !Array.isArray(listen) ? ["listen"] : path;
}

/** Whether a value must not be quoted: a URL may hold a password, and what comes from outside the file a secret. */
function isPrivate(value: string, path: FieldPath, document: ConfigDocument): boolean {
  const stands = path.reduce<unknown>((at, part) => (at as Record<string | number, unknown> | undefined)?.[part], document.value);
  return /:\S*@/.test(value) || /secret/.test(String(path.at(-1))) || filledInTexts(document, stands, path).length > 0;
}

// A shorter text is no secret, and would be found in every other word.
const shortestSecret = 4;

/** The second line of defence: complaints about two objects name both, in words that no field can be blamed for. */
function withoutFilledIn(what: string, document: ConfigDocument): string {
  return filledInTexts(document).reduce((text, filledIn) => {
    const ours = filledIn.trim().replace(/[/.*]+$/, "");
    return ours.length < shortestSecret
      ? text
      : text.replaceAll(new RegExp(ours.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi"), "(filled in)");
  }, what);
}

/** What came from outside the file, at `path` and below. */
function filledInTexts(document: ConfigDocument, value: unknown = document.value, path: FieldPath = []): string[] {
  if (typeof value === "string") return document.filledIn(path) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, item]) => filledInTexts(document, item, [...path, key]));
}

/** In the order of the file, where a person mends them. */
function byLine(file: string): (a: string, b: string) => number {
  const lineOf = (text: string) => Number.parseInt(text.slice(file.length + 1), 10);
  return (a, b) => lineOf(a) - lineOf(b);
}
