// Finds out what a curl command line will ask, section by section (the parts between two `--next`):
// its URLs, those in configuration files, and the options there that decide how a credential may
// travel. What cannot be read is remembered as such: a credential that curl would send everywhere
// must not go there.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isBracketedAddress, parseAuthority } from "@postern/protocol/host";
import { type AppUrl, readAppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { bytesOf, decodeBytes } from "../raw-bytes.ts";
import type { CurlPart } from "./curl-arguments.ts";
import { readCurlConfig } from "./curl-config.ts";
import {
  type CurlSection,
  type CurlTarget,
  emptySection,
  hasOption,
  optionValues,
} from "./curl-section.ts";

/**
 * Divides the command line.
 * @throws {CliError} usage
 */
export function readSections(
  context: Pick<Context, "environment">,
  parts: CurlPart[],
): CurlSection[] {
  const first = emptySection();
  const sections = [first];
  // curl reads its own configuration into the first section only, and not at all when `-q` comes
  // first.
  const [firstArgument = ""] = parts[0]?.args ?? [];
  const skipsCurlrc = /^-q|^--disable$/.test(firstArgument);
  if (!skipsCurlrc) readCurlrc(first, context.environment);
  for (const part of parts) {
    if (part.kind === "next") sections.push(emptySection());
    else addPart(sections.at(-1) ?? first, part);
  }
  const cookieJars = sections.flatMap((section) => optionValues(section, "cookie-jar"));
  for (const section of sections) {
    lookUpGlobs(section);
    section.cookieJars = cookieJars;
  }
  return sections;
}

/** The targets of every section. */
export function allTargets(sections: CurlSection[]): CurlTarget[] {
  return sections.flatMap((section) => [...section.targets.values()]);
}

function addPart(section: CurlSection, part: CurlPart): void {
  if (part.kind !== "url") {
    const option = part.kind === "config" ? withPipedText(part) : part;
    section.parts.push(option);
    addEffect(section, option, 0);
    return;
  }
  const url = withScheme(part);
  section.parts.push(url);
  addTarget(section, url, url.url, undefined);
}

/** `--url @file`, and what is made of variables. */
const unreadUrls: ReadonlySet<string> = new Set(["url", "expand-url", "expand-config"]);

/**
 * What a part that is no URL brings along: the content of a file, or URLs that cannot be seen.
 * @param depth how many files it stands in
 */
function addEffect(section: CurlSection, part: CurlPart, depth: number): void {
  if (part.kind === "config") readConfigFile(section, part, depth);
  if (part.kind === "option" && unreadUrls.has(part.name)) section.hasUnreadUrls = true;
}

const otherScheme = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i;

/** ftp and its like have nothing to do with Access. */
function isOutsideAccess(url: string): boolean {
  return url === "" || otherScheme.test(url);
}

/** @param file the configuration file that it stands in, where we cannot change it */
function addTarget(
  section: CurlSection,
  part: CurlPart,
  url: string,
  file: string | undefined,
): void {
  if (isOutsideAccess(url)) return;
  refuseHostGlob(url);
  const app = readAppUrl(url);
  if (file !== undefined && app.protocol === "https:" && !/^https:/i.test(url)) {
    throw new CliError(
      "usage",
      `${app.bare} is in ${file} without https://, so curl would use plain http; write it with https://`,
    );
  }
  section.targets.set(part, { app, credential: undefined });
}

type UrlPart = CurlPart & { kind: "url" };

/**
 * What curl will ask is what we looked at: plain http, and no scheme at all, become what
 * `readAppUrl` made of them.
 */
function withScheme(part: UrlPart): UrlPart {
  if (isOutsideAccess(part.url)) return part;
  refuseHostGlob(part.url);
  const { protocol } = readAppUrl(part.url);
  const [, scheme = "", rest = ""] = /^(https?:\/\/)?(.*)$/is.exec(part.url) ?? [];
  const isUpgraded = scheme.toLowerCase() === "http://" && protocol === "https:";
  const url = `${protocol}//${isUpgraded ? withoutHttpPort(rest) : rest}`;
  if (url === part.url) return part;
  const args = part.args.map((argument) => argument.replace(part.url, () => url));
  return { kind: "url", url, args };
}

/** Port 80 does not speak https. */
function withoutHttpPort(rest: string): string {
  return rest.replace(/^([^/?#]*):80(?=[/?#]|$)/, "$1");
}

/** Unless `-g` switches that off, `[1-9]` and `{a,b}` in a URL stand for several. */
function lookUpGlobs(section: CurlSection): void {
  if (hasOption(section, "globoff")) return;
  for (const target of section.targets.values()) target.app = withoutGlob(target.app);
}

/**
 * A glob in the path stands for many URLs: the application is looked up for the directory that
 * holds them all. A glob that begins behind the path (RFC 3986 3) cannot change it.
 */
function withoutGlob(app: AppUrl): AppUrl {
  const [path = ""] = app.written.replace(/^(?:https?:\/\/)?[^/?#]*/i, "").split(/[?#]/, 1);
  const glob = path.search(/[[{]/);
  if (glob < 0 || !path.startsWith("/")) return app;
  const directory = path.slice(0, path.lastIndexOf("/", glob) + 1);
  return readAppUrl(app.origin + directory);
}

function refuseHostGlob(url: string): void {
  const [authority = ""] = url.replace(/^https?:\/\//i, "").split(/[/?#]/, 1);
  const [host = ""] = /[^@]*$/.exec(authority) ?? [];
  // An IPv6 address is no glob.
  const isAddress = isBracketedAddress(parseAuthority(host)?.host ?? "");
  const globbed = isAddress ? authority.slice(0, -host.length) : authority;
  if (!/[[{]/.test(globbed)) return;
  throw new CliError(
    "usage",
    `${authority.slice(0, 100)} matches several hosts; write one URL for each, so that each gets its own token`,
  );
}

const deepestInclude = 5;

type ConfigPart = Omit<CurlPart & { kind: "config" }, "args" | "kind">;

/** @param depth how many files it stands in */
function readConfigFile(
  section: CurlSection,
  { file, text: pipedText }: ConfigPart,
  depth: number,
) {
  // Standard input is curl's: what is in there, we cannot know.
  const isUnread = file === "-" || depth > deepestInclude;
  const text = isUnread ? undefined : (pipedText ?? readText(file));
  if (text === undefined) {
    section.hasUnreadUrls = true;
    return;
  }
  for (const part of readCurlConfig(text)) {
    if (part.kind === "next")
      throw new CliError(
        "usage",
        `${file} contains "next", and tokens cannot be added there; put --next on the command line`,
      );
    section.implied.push(part);
    if (part.kind === "url") addTarget(section, part, part.url, file);
    else addEffect(section, part, depth + 1);
  }
}

/** A pipe such as `-K <(…)` would be empty when curl reads it: it gets what we have read. */
function withPipedText(part: CurlPart & { kind: "config" }): CurlPart {
  if (part.file === "-" || !isPipe(part.file)) return part;
  return { ...part, ...defined({ text: readText(part.file) }) };
}

function isPipe(file: string): boolean {
  try {
    return statSync(bytesOf(file)).isFIFO();
  } catch {
    return false;
  }
}

/**
 * Undefined when there is no such file, or none that can be read: curl says what is wrong with it.
 */
function readText(file: string): string | undefined {
  try {
    return decodeBytes(readFileSync(bytesOf(file)));
  } catch {
    return undefined;
  }
}

/** curl's own configuration, in the place where curl finds it first. */
function readCurlrc(section: CurlSection, environment: NodeJS.ProcessEnv): void {
  const file = curlrcPaths(environment).find((path) => readText(path) !== undefined);
  if (file !== undefined) readConfigFile(section, { file }, 0);
}

function curlrcPaths({ CURL_HOME, XDG_CONFIG_HOME, HOME }: NodeJS.ProcessEnv): string[] {
  const below = (directory: string | undefined, ...names: string[]) =>
    directory ? [join(directory, ...names)] : [];
  return [
    ...below(CURL_HOME, ".curlrc"),
    ...below(XDG_CONFIG_HOME, "curlrc"),
    ...below(HOME, ".curlrc"),
    ...below(HOME, ".config", "curlrc"),
  ];
}
