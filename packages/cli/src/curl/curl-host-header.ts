// Keeps a token from another host that curl takes for the application's. curl chooses cookies by
// the name in a `Host` header of the person's own, if there is one, after a redirect as well.
import { readFileSync, statSync } from "node:fs";
import { CliError } from "../exit-status.ts";
import { bytesOf } from "../raw-bytes.ts";
import { hasToken } from "./cookie-file.ts";
import { type CurlSection, goesFurther, hasOption, optionValues } from "./curl-section.ts";
import { allTargets } from "./curl-sections.ts";

/**
 * Refuses a `Host` header by which the cookie of one host would go to another, and headers that
 * may hold one.
 * @param sections all of the line: they share their cookies
 * @throws {CliError} usage
 */
export function refuseCookiesByHeader(sections: CurlSection[]): void {
  const targets = allTargets(sections).filter(hasToken);
  const hostsWithToken = new Set(targets.map(({ app }) => app.hostname));
  for (const section of sections) {
    const openHosts = [...hostsWithToken].filter((host) => !asksOnly(section, host));
    if (openHosts.length === 0) continue;
    const lines = headerLinesOf(section);
    if (lines === undefined)
      throw new CliError(
        "usage",
        "curl chooses cookies by the Host header, and headers from standard input, pipes and variables cannot be checked; write them on the command line or in a file, or leave out -L",
      );
    const hosts = lines.map(hostOfHeader);
    const name = openHosts.find((host) => hosts.includes(host));
    if (name === undefined) continue;
    throw new CliError(
      "usage",
      `curl chooses cookies by the Host header, so the token for ${name} would also go to other hosts; leave out -H "Host: ${name}" or -L, or call the other hosts separately`,
    );
  }
}

/** Whether every URL that the section asks is of this host. */
function asksOnly(section: CurlSection, hostname: string): boolean {
  const apps = [...section.targets.values()].map(({ app }) => app);
  return !goesFurther(section) && apps.every((app) => app.hostname === hostname);
}

/** As curl reads it: everything up to a colon, whether or not a port follows. */
function hostOfHeader(line: string): string | undefined {
  return /^host\s*:\s*(\[[^\]]*\]|[^:\s]*)/i.exec(line)?.[1]?.toLowerCase();
}

/** The section's own headers; undefined where some of them cannot be read. */
function headerLinesOf(section: CurlSection): string[] | undefined {
  if (hasOption(section, "expand-header")) return undefined;
  const lines = optionValues(section, "H", "header").map(headerLines);
  return lines.every((each) => each !== undefined) ? lines.flat() : undefined;
}

/**
 * @param value a header, or `@` and the name of a file with one in each line
 * @returns undefined for what can be read once: curl is to read it
 */
function headerLines(value: string): string[] | undefined {
  if (!value.startsWith("@")) return [value];
  if (value === "@-") return undefined;
  try {
    const file = bytesOf(value.slice(1));
    return statSync(file).isFile() ? readFileSync(file, "latin1").split(/\r?\n/) : undefined;
  } catch {
    // curl cannot read it either, and says so.
    return [];
  }
}
