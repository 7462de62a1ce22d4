// Decides how the credential travels in each section of a curl command line, and writes it there. A
// cookie is the default because curl scopes it to host, path and https: it never follows a redirect
// to somewhere else, which a header does (case C11).
import { headers } from "@postern/protocol/endpoints";
import { withTokenArgument } from "../app-url.ts";
import { CliError } from "../exit-status.ts";
import type { HeaderFields } from "../sign-in/machine-credential.ts";
import type { SecretDescriptors } from "../tool/secret-descriptor.ts";
import { cookieFile, hasToken } from "./cookie-file.ts";
import type { CurlPart } from "./curl-arguments.ts";
import { quoteForCurlConfig } from "./curl-config.ts";
import {
  type Carrier,
  type CurlSection,
  goesFurther,
  hasOption,
  optionValues,
} from "./curl-section.ts";

// Names and values beyond 4096 bytes are dropped by curl without a word.
const longestCookie = 4000;

/** The section's arguments with the credential in them. */
export function addCredentials(
  section: CurlSection,
  carrier: Carrier,
  secrets: SecretDescriptors,
  tell: (line: string) => void,
): string[] {
  const args = argumentsOf(section, secrets);
  const targets = [...section.targets.values()].filter(hasToken);
  if (targets.length === 0) return args;
  switch (chooseCarrier(section, carrier)) {
    case "cookie":
      if (section.cookieJars.length > 0) tell(jarWarning);
      return [...args, "-b", secrets.add(cookieFile(targets, "curl"))];
    case "header": {
      const line = `${headers.accessToken}: ${onlyToken(section)}\n`;
      return [...args, ...headerArguments(section, secrets.add(line))];
    }
    case "query":
      refuseKeptUrls(section);
      return section.parts.flatMap((part) => queryArguments(part, section, secrets));
  }
}

/** The section's arguments with a machine's credential, which travels in headers. */
export function addMachineFields(
  section: CurlSection,
  fields: HeaderFields,
  secrets: SecretDescriptors,
): string[] {
  const args = argumentsOf(section, secrets);
  if (section.targets.size === 0 && !section.hasUnreadUrls) return args;
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  return [...args, ...headerArguments(section, secrets.add(lines.join("")))];
}

function argumentsOf(section: CurlSection, secrets: SecretDescriptors): string[] {
  return section.parts.flatMap((part) => partArguments(part, secrets));
}

function partArguments(part: CurlPart, secrets: SecretDescriptors): string[] {
  if (part.kind !== "config" || part.text === undefined) return part.args;
  return ["-K", secrets.add(part.text)];
}

/** A header goes wherever curl goes: so it may go nowhere but to URLs that we checked. */
function headerArguments(section: CurlSection, file: string): string[] {
  if (followsRedirects(section)) {
    throw new CliError(
      "usage",
      "with -L, curl would send the header to wherever a redirect leads; leave out -L (or --token-in header)",
    );
  }
  if (section.hasUnreadUrls) {
    throw new CliError(
      "usage",
      "curl would send the header to URLs that cannot be checked (-K -, --url @file, --expand-url); write them on the command line",
    );
  }
  // The last word, whatever stands in a file that changes under our eyes.
  return ["-H", `@${file}`, "--no-location"];
}

function followsRedirects(section: CurlSection): boolean {
  return hasOption(section, "location", "location-trusted", "follow");
}

const jarWarning =
  "Warning: curl will write the access token into the cookie jar; leave out -L, or remove CF_Authorization from it afterwards.";

/**
 * How the section's tokens travel: in a header instead of a cookie where curl would drop the
 * cookie, or keep it after the run.
 * @throws {CliError} failure where neither will do
 */
export function chooseCarrier(section: CurlSection, preferred: Carrier): Carrier {
  if (preferred !== "cookie") return preferred;
  const targets = [...section.targets.values()].filter(hasToken);
  const isTooLong = targets.some(
    ({ credential }) => credential.stored.token.length > longestCookie,
  );
  if (!isTooLong && section.cookieJars.length === 0) return "cookie";
  if (!goesFurther(section) && isForOne(section)) return "header";
  if (isTooLong)
    throw new CliError(
      "failure",
      "the token is too long for curl's cookies; leave out -L, and call one application at a time",
    );
  return "cookie";
}

/**
 * A URL that holds the token must not be kept, or told to whoever a redirect leads to.
 * @throws {CliError} usage
 */
function refuseKeptUrls(section: CurlSection): void {
  const tellsReferer =
    hasOption(section, "expand-referer") ||
    optionValues(section, "e", "referer").some((value) => value.endsWith(";auto"));
  if (tellsReferer)
    throw new CliError(
      "usage",
      "with --referer ';auto', curl would send the URL, and the token in it, to wherever a redirect leads; leave out --referer or --token-in query",
    );
  if (hasOption(section, "xattr"))
    throw new CliError(
      "usage",
      "with --xattr, curl would store the URL, and the token in it, with the file; leave out --xattr or --token-in query",
    );
}

/** Whether one token, or none, opens every URL of the section. */
function isForOne(section: CurlSection): boolean {
  const targets = [...section.targets.values()];
  const tokens = targets.map(({ credential }) => credential?.stored?.token);
  return new Set(tokens).size === 1;
}

function onlyToken(section: CurlSection): string {
  const [first] = section.targets.values();
  const token = first?.credential?.stored?.token;
  if (token !== undefined && isForOne(section)) return token;
  throw new CliError(
    "usage",
    "a header goes to every URL, but these URLs belong to different applications; put --next between them",
  );
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
  const token = section.targets.get(part)?.credential?.stored?.token;
  if (token === undefined) return partArguments(part, secrets);
  if (part.kind !== "url")
    throw new CliError(
      "usage",
      "a URL in a -K file cannot get the token as a query argument; put the URL on the command line",
    );
  const url = withTokenArgument(part.url, token);
  return ["-K", secrets.add(`url = ${quoteForCurlConfig(url)}\n`)];
}
