// Finds out what a curl command line will ask, section by section (the parts between two `--next`):
// its URLs, those in configuration files, and the options there that decide how a credential may
// travel. What cannot be read is remembered as such: a credential that curl would send everywhere
// must not go there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AppUrl, readAppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type CurlPart, readCurlConfig } from "./curl-arguments.ts";
import type { CurlSection, CurlTarget } from "./curl-credentials.ts";

/** @throws {CliError} usage */
export function readSections(
  context: Pick<Context, "environment">,
  parts: CurlPart[],
): CurlSection[] {
  const first = emptySection();
  const sections = [first];
  // curl reads its own configuration into the first section only, and not at all when `-q` comes
  // first.
  if (!/^-q|^--disable$/.test(parts[0]?.args[0] ?? "")) readCurlrc(first, context.environment);
  for (const part of parts) {
    if (part.kind === "next") sections.push(emptySection());
    else readPart(sections.at(-1) ?? first, part);
  }
  for (const section of sections) settleGlobs(section);
  return sections;
}

export function allTargets(sections: CurlSection[]): CurlTarget[] {
  return sections.flatMap((section) => [...section.targets.values()]);
}

function emptySection(): CurlSection {
  return { parts: [], implied: [], targets: new Map(), hasUnreadUrls: false };
}

function readPart(section: CurlSection, part: CurlPart): void {
  const adjusted = part.kind === "url" ? withScheme(part) : part;
  section.parts.push(adjusted);
  if (adjusted.kind === "url") addTarget(section, adjusted, adjusted.url, undefined);
  else if (adjusted.kind === "config") readConfigFile(section, adjusted.file, 0);
  else if (namesUnreadUrls(adjusted)) section.hasUnreadUrls = true;
}

/** `--url @file`, and a URL that is made of variables. */
function namesUnreadUrls(part: CurlPart): boolean {
  return part.kind === "option" && (part.name === "url" || part.name === "expand-url");
}

const otherScheme = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i;

/** @param file the configuration file that it stands in, where we cannot change it */
function addTarget(
  section: CurlSection,
  part: CurlPart,
  url: string,
  file: string | undefined,
): void {
  // ftp and its like have nothing to do with Access.
  if (otherScheme.test(url) || url === "") return;
  refuseHostGlob(url);
  const app = readAppUrl(url);
  if (file !== undefined && app.protocol === "https:" && !/^https:/i.test(url)) {
    throw new CliError(
      "usage",
      `${app.bare} stands in ${file} without https://, and curl would ask in the clear; write it with https://`,
    );
  }
  section.targets.set(part, { app, credential: undefined, fromFile: file !== undefined });
}

/**
 * What curl will ask is what we looked at: plain http, and no scheme at all, become what
 * `readAppUrl` made of them.
 */
function withScheme(part: CurlPart & { kind: "url" }): CurlPart & { kind: "url" } {
  if (part.url === "" || otherScheme.test(part.url)) return part;
  refuseHostGlob(part.url);
  const { protocol } = readAppUrl(part.url);
  const rest = part.url.replace(/^https?:\/\//i, "");
  const written =
    /^http:\/\//i.test(part.url) && protocol === "https:"
      ? rest.replace(/^([^/?#]*):80(?=[/?#]|$)/, "$1")
      : rest;
  const url = `${protocol}//${written}`;
  return url === part.url
    ? part
    : {
        kind: "url",
        url,
        args: part.args.map((argument) => argument.replace(part.url, () => url)),
      };
}

/** Unless `-g` switches that off, `[1-9]` and `{a,b}` in a URL stand for several. */
function settleGlobs(section: CurlSection): void {
  const isOff = [...section.implied, ...section.parts].some(
    (part) => part.kind === "option" && part.name === "globoff",
  );
  if (isOff) return;
  for (const target of section.targets.values()) target.app = withoutGlob(target.app);
}

/**
 * A glob in the path stands for many URLs: the application is looked up for the directory that
 * holds them all.
 */
function withoutGlob(app: AppUrl): AppUrl {
  const path = app.written.replace(/^(?:https?:\/\/)?[^/?#]*/i, "");
  const glob = path.search(/[[{]/);
  return glob < 0 || !path.startsWith("/")
    ? app
    : readAppUrl(app.origin + path.slice(0, path.slice(0, glob).lastIndexOf("/") + 1));
}

function refuseHostGlob(url: string): void {
  const [host = ""] = url.replace(/^https?:\/\//i, "").split(/[/?#]/, 1);
  // An IPv6 address is no glob.
  if (!/[[{]/.test(host.replace(/\[[0-9a-f:.]+\](?=:\d+$|$)/i, ""))) return;
  throw new CliError(
    "usage",
    `${host.slice(0, 100)} stands for several hosts; write a URL for each, so that each gets its own token`,
  );
}

const deepestInclude = 5;

function readConfigFile(section: CurlSection, file: string, depth: number): void {
  // Standard input is curl's: what is in there, we cannot know.
  const text = file === "-" || depth > deepestInclude ? undefined : readText(file);
  if (text === undefined) {
    section.hasUnreadUrls = true;
    return;
  }
  for (const part of readCurlConfig(text)) {
    if (part.kind === "next")
      throw new CliError(
        "usage",
        `${file} holds "next", which cannot be given tokens; put --next on the command line`,
      );
    section.implied.push(part);
    if (part.kind === "url") addTarget(section, part, part.url, file);
    else if (part.kind === "config") readConfigFile(section, part.file, depth + 1);
    else if (namesUnreadUrls(part)) section.hasUnreadUrls = true;
  }
}

/**
 * Undefined when there is no such file, or none that can be read: curl says what is wrong with it.
 */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** curl's own configuration, in the place where curl finds it first. */
function readCurlrc(section: CurlSection, environment: NodeJS.ProcessEnv): void {
  const home = environment["HOME"] ?? "";
  const places = [
    ...(environment["CURL_HOME"] ? [join(environment["CURL_HOME"], ".curlrc")] : []),
    ...(environment["XDG_CONFIG_HOME"] ? [join(environment["XDG_CONFIG_HOME"], "curlrc")] : []),
    ...(home === "" ? [] : [join(home, ".curlrc"), join(home, ".config", "curlrc")]),
  ];
  const file = places.find((place) => readText(place) !== undefined);
  if (file !== undefined) readConfigFile(section, file, 0);
}
