// Decides how the credential travels in each part of a curl command line (the parts between two
// `--next`), and writes it there. A cookie is the default because curl scopes it to host, path and
// https: it never follows a redirect to somewhere else, which a header does (case C11).

import type { AppUrl } from "../app-url.ts";
import { CliError } from "../exit-status.ts";
import type { Credential } from "../sign-in/credential.ts";
import type { ServiceToken } from "../sign-in/service-token.ts";
import type { SecretDescriptors } from "../tool/secret-descriptor.ts";
import { type CurlPart, quoteForCurlConfig } from "./curl-arguments.ts";

export type Carrier = "cookie" | "header" | "query";

/**
 * A URL of the command line and what opens it; no credential where the request goes out without
 * one.
 */
export interface CurlTarget {
  app: AppUrl;
  credential: Credential | undefined;
  /** stands in a `-K` file, where we cannot change it */
  fromFile: boolean;
}

/** What lies between two `--next`. */
export interface CurlSection {
  parts: CurlPart[];
  /**
   * options that apply without being written here: those of `-K` files and of curl's own
   * configuration
   */
  implied: CurlPart[];
  targets: Map<CurlPart, CurlTarget>;
  /** curl will ask URLs that we have not seen */
  hasUnreadUrls: boolean;
}

// Names and values beyond 4096 bytes are dropped by curl without a word.
const longestCookie = 4000;

/** The section's arguments with the credential in them. */
export function addCredentials(
  section: CurlSection,
  carrier: Carrier,
  secrets: SecretDescriptors,
  say: (line: string) => void,
): string[] {
  const tokens = [...section.targets.values()].filter(
    (target) => target.credential?.stored !== undefined,
  );
  const plain = section.parts.flatMap((part) => part.args);
  if (tokens.length === 0) return plain;
  switch (chooseCarrier(section, carrier, tokens, say)) {
    case "cookie":
      return [...plain, "-b", secrets.add(cookieFile(tokens))];
    case "header":
      return [
        ...plain,
        ...headerArguments(section, secrets.add(`cf-access-token: ${onlyToken(section)}\n`)),
      ];
    case "query":
      return section.parts.flatMap((part) => queryArguments(part, section, secrets));
  }
}

/** The section's arguments with a service token, which travels in two headers. */
export function addServiceToken(
  section: CurlSection,
  token: ServiceToken,
  secrets: SecretDescriptors,
): string[] {
  const plain = section.parts.flatMap((part) => part.args);
  if (section.targets.size === 0 && !section.hasUnreadUrls) return plain;
  const lines = `CF-Access-Client-Id: ${token.id}\nCF-Access-Client-Secret: ${token.secret}\n`;
  return [...plain, ...headerArguments(section, secrets.add(lines))];
}

/** A header goes wherever curl goes: so it may go nowhere but to URLs that we checked. */
function headerArguments(section: CurlSection, file: string): string[] {
  if (follows(section)) {
    throw new CliError(
      "usage",
      "curl would send a header on to wherever -L leads; leave out -L (or --token-in header)",
    );
  }
  if (section.hasUnreadUrls) {
    throw new CliError(
      "usage",
      "curl would send a header to URLs that cannot be looked at (-K -, --url @file, --expand-url); write them on the command line",
    );
  }
  // The last word, whatever stands in a file that changes under our eyes.
  return ["-H", `@${file}`, "--no-location"];
}

/** Whether the section has one of these options, on the command line or in a file. */
export function hasOption(section: CurlSection, ...names: string[]): boolean {
  return [...section.implied, ...section.parts].some(
    (part) => part.kind === "option" && names.includes(part.name),
  );
}

function follows(section: CurlSection): boolean {
  return hasOption(section, "location", "location-trusted", "follow");
}

function chooseCarrier(
  section: CurlSection,
  wanted: Carrier,
  tokens: CurlTarget[],
  say: (line: string) => void,
): Carrier {
  if (wanted !== "cookie") return wanted;
  const tooLong = tokens.some(
    ({ credential }) => (credential?.stored?.token.length ?? 0) > longestCookie,
  );
  // A cookie jar would keep the token after the run.
  const jar = hasOption(section, "cookie-jar");
  if (!tooLong && !jar) return "cookie";
  if (!follows(section) && !section.hasUnreadUrls && isForOne(section)) return "header";
  if (tooLong)
    throw new CliError(
      "failure",
      "the token is too long for curl's cookies; leave out -L and ask one application at a time",
    );
  say(
    "Warning: curl will write the access token into the cookie jar; leave out -L, or remove CF_Authorization from it afterwards.",
  );
  return "cookie";
}

function isForOne(section: CurlSection): boolean {
  const tokens = new Set(
    [...section.targets.values()].map(({ credential }) => credential?.stored?.token),
  );
  return tokens.size === 1;
}

function onlyToken(section: CurlSection): string {
  const [first] = section.targets.values();
  const token = first?.credential?.stored?.token;
  if (token === undefined || !isForOne(section)) {
    throw new CliError(
      "usage",
      "a header goes to every URL of the line, and these are not all of one application; put --next between them",
    );
  }
  return token;
}

/** Netscape's cookie file: domain, subdomains too?, path, https only?, expiry, name, value. */
function cookieFile(targets: CurlTarget[]): string {
  const lines = targets.flatMap(({ app, credential }) => {
    if (credential?.stored === undefined) return [];
    const { application, stored } = credential;
    const secure = app.protocol === "https:" ? "TRUE" : "FALSE";
    // With its expiry: `-j` drops cookies that have none.
    return [
      [
        app.hostname,
        "FALSE",
        cookiePath(application.scope),
        secure,
        stored.expires_at,
        "CF_Authorization",
        stored.token,
      ].join("\t"),
    ];
  });
  return `# Netscape HTTP Cookie File\n${[...new Set(lines)].join("\n")}\n`;
}

/**
 * curl escapes some characters differently from `URL`: where one stands, the directory above is as
 * narrow as it gets.
 */
function cookiePath(scope: string): string {
  const odd = scope.search(/[^\w.~!$&'()*+,;=:@/-]/);
  return odd < 0 ? scope : scope.slice(0, scope.lastIndexOf("/", odd) + 1);
}

/**
 * The URL moves into a configuration file of its own in the same place, so that `-o` still belongs
 * to it.
 */
function queryArguments(
  part: CurlPart,
  section: CurlSection,
  secrets: SecretDescriptors,
): string[] {
  const target = section.targets.get(part);
  if (target?.credential?.stored === undefined) return part.args;
  if (part.kind !== "url")
    throw new CliError(
      "usage",
      "a URL in a -K file cannot be given the token as a query argument; put the URL on the command line",
    );
  const hash = part.url.indexOf("#");
  const [before, after] =
    hash < 0 ? [part.url, ""] : [part.url.slice(0, hash), part.url.slice(hash)];
  const url = `${before}${before.includes("?") ? "&" : "?"}token=${target.credential.stored.token}${after}`;
  return ["-K", secrets.add(`url = ${quoteForCurlConfig(url)}\n`)];
}
