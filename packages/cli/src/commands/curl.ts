// `access curl`: curl with the token of the application that each URL belongs to. Nothing secret is in the
// argument list; standard streams and exit status are curl's.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AppUrl, readAppUrl } from "../app-url.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { type CommandLine, commonFlags, loginFlags, readCommandLine } from "../command-line.ts";
import type { Context } from "../context.ts";
import { type CurlPart, readCurlArguments, readCurlConfig } from "../curl-arguments.ts";
import { addCredentials, addServiceToken, type Carrier, type CurlSection, type CurlTarget } from "../curl-credentials.ts";
import { CliError } from "../exit-status.ts";
import { loopbackEnvironment } from "../loopback-environment.ts";
import { runTool } from "../run-tool.ts";
import { SecretDescriptors } from "../secret-descriptor.ts";
import { readServiceToken, withoutServiceToken } from "../service-token.ts";
import { applicationFor, type Credential, credentialFor } from "../stored-sign-in.ts";

/** @returns the exit status */
export async function runCurl(surroundings: Surroundings, args: string[]): Promise<number> {
  const { parts, own } = readCurlArguments(args);
  const line = readCommandLine(own.args, commonFlags, loginFlags);
  const context = contextOf(surroundings, line);
  const carrier = readCarrier(own.tokenIn ?? "cookie");
  const service = readServiceToken(context, line);
  const sections = readSections(context, parts);
  for (const section of sections) {
    for (const target of section.targets.values()) {
      target.credential = await find(context, target.app, line, { allowRequest: own.allowRequest, service: service !== undefined });
    }
  }
  const secrets = new SecretDescriptors(context);
  try {
    const written = sections.map((section) => [
      ...(service === undefined ? addCredentials(section, carrier, secrets, context.say) : addServiceToken(section, service, secrets)),
      ...networkArguments(context, section),
    ]);
    const environment = loopbackEnvironment(
      withoutServiceToken(context.environment),
      allTargets(sections).map(({ app }) => app),
    );
    const joined = written.flatMap((each, index) => (index === 0 ? each : ["--next", ...each]));
    return await runTool({ command: "curl", args: joined, environment, descriptors: secrets.descriptors }, context.say);
  } finally {
    secrets.close();
  }
}

function readCarrier(text: string): Carrier {
  if (text === "cookie" || text === "header" || text === "query") return text;
  throw new CliError("usage", `--token-in ${text.slice(0, 40)} is unknown; it is header, query or cookie (the default)`);
}

function allTargets(sections: CurlSection[]): CurlTarget[] {
  return sections.flatMap((section) => [...section.targets.values()]);
}

/** With `-ar` whatever stands in the way of a token only means that the request goes out without one. */
async function find(
  context: Context,
  app: AppUrl,
  line: CommandLine,
  how: { allowRequest: boolean; service: boolean },
): Promise<Credential | undefined> {
  try {
    // A service token goes only to what proved to be behind Access.
    if (how.service) return { application: await applicationFor(context, app), stored: undefined };
    return await credentialFor(context, app, line, context.onTerminal && !how.allowRequest);
  } catch (error) {
    if (how.allowRequest && error instanceof CliError && error.code !== "usage" && !how.service) return undefined;
    throw error;
  }
}

function readSections(context: Context, parts: CurlPart[]): CurlSection[] {
  const sections: CurlSection[] = [emptySection()];
  const ignoresCurlrc = /^-q|^--disable$/.test(parts[0]?.args[0] ?? "");
  if (!ignoresCurlrc) sections[0]?.implied.push(...readCurlrc(context.environment));
  for (const part of parts) {
    if (part.kind === "next") {
      sections.push(emptySection());
      continue;
    }
    const section = sections.at(-1) ?? emptySection();
    const adjusted = part.kind === "url" ? withScheme(part) : part;
    section.parts.push(adjusted);
    if (adjusted.kind === "url") addTarget(section, adjusted, adjusted.url, false);
    if (adjusted.kind === "config") readConfigFile(section, adjusted.file);
  }
  const globoff = sections.some((section) => section.parts.some((part) => part.kind === "option" && part.name === "globoff"));
  if (!globoff) for (const target of allTargets(sections)) target.app = withoutGlob(target.app);
  return sections;
}

function emptySection(): CurlSection {
  return { parts: [], implied: [], targets: new Map() };
}

const otherScheme = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i;

function addTarget(section: CurlSection, part: CurlPart, url: string, fromFile: boolean): void {
  // ftp and its like have nothing to do with Access.
  if (otherScheme.test(url) || url === "") return;
  section.targets.set(part, { app: readAppUrl(url), credential: undefined, fromFile });
}

/** What curl will ask is what we looked at: plain http, and no scheme at all, become what `readAppUrl` made of them. */
function withScheme(part: CurlPart & { kind: "url" }): CurlPart & { kind: "url" } {
  if (part.url === "" || otherScheme.test(part.url)) return part;
  const { protocol } = readAppUrl(part.url);
  const rest = part.url.replace(/^https?:\/\//i, "");
  const written = /^http:\/\//i.test(part.url) && protocol === "https:" ? rest.replace(/^([^/?#]*):80(?=[/?#]|$)/, "$1") : rest;
  const url = `${protocol}//${written}`;
  return url === part.url ? part : { kind: "url", url, args: part.args.map((argument) => argument.replace(part.url, () => url)) };
}

/** A glob in the path stands for many URLs: the application is looked up for the directory that holds them all. */
function withoutGlob(app: AppUrl): AppUrl {
  const path = app.written.replace(/^(?:https?:\/\/)?[^/?#]*/i, "");
  const glob = path.search(/[[{]/);
  return glob < 0 || !path.startsWith("/") ? app : readAppUrl(app.origin + path.slice(0, path.slice(0, glob).lastIndexOf("/") + 1));
}

function readConfigFile(section: CurlSection, file: string): void {
  // Standard input is curl's: what is in there, we cannot know.
  if (file === "-") return;
  let parts: CurlPart[];
  try {
    parts = readCurlConfig(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof CliError) throw error;
    // curl says what is wrong with it.
    return;
  }
  for (const part of parts) {
    if (part.kind === "next")
      throw new CliError("usage", `${file} holds "next", which cannot be given tokens; put --next on the command line`);
    section.implied.push(part);
    if (part.kind === "url") addTarget(section, part, part.url, true);
  }
}

/** curl's own configuration may follow redirects or keep cookies, which decides how the token may travel. */
function readCurlrc(environment: NodeJS.ProcessEnv): CurlPart[] {
  const home = environment["HOME"] ?? "";
  const places = [
    ...(environment["CURL_HOME"] ? [join(environment["CURL_HOME"], ".curlrc")] : []),
    ...(environment["XDG_CONFIG_HOME"] ? [join(environment["XDG_CONFIG_HOME"], "curlrc")] : []),
    ...(home === "" ? [] : [join(home, ".curlrc"), join(home, ".config", "curlrc")]),
  ];
  const file = places.find((place) => existsSync(place));
  try {
    return file === undefined ? [] : readCurlConfig(readFileSync(file, "utf8")).filter((part) => part.kind === "option");
  } catch {
    return [];
  }
}

/** Names below .localhost without a resolver (wire-protocol 9), and our certificate authority where curl was given none. */
function networkArguments(context: Context, section: CurlSection): string[] {
  const apps = [...section.targets.values()].map((target) => target.app);
  const names = new Set(apps.filter(({ hostname }) => hostname.endsWith(".localhost")).map(resolveRule));
  const trusts = section.parts.some((part) => part.kind === "option" && ["cacert", "insecure"].includes(part.name));
  const secure = apps.some(({ protocol }) => protocol === "https:");
  return [
    ...[...names].flatMap((rule) => ["--resolve", rule]),
    ...(context.caFile !== undefined && secure && !trusts ? ["--cacert", context.caFile] : []),
  ];
}

function resolveRule(app: AppUrl): string {
  const port = /:(\d+)$/.exec(app.host)?.[1] ?? (app.protocol === "https:" ? "443" : "80");
  return `${app.hostname}:${port}:127.0.0.1`;
}
