// Keeps a token from another host that curl takes for the application's. curl chooses cookies by
// the name in a `Host` header of the person's own, if there is one, after a redirect as well.
import { readFileSync } from "node:fs";
import { parseAuthority } from "@postern/protocol/host";
import { CliError } from "../exit-status.ts";
import { bytesOf } from "../raw-bytes.ts";
import { hasToken } from "./cookie-file.ts";
import { type CurlSection, goesFurther, optionValues } from "./curl-section.ts";
import { allTargets } from "./curl-sections.ts";

/**
 * Refuses a `Host` header by which the cookie of one host would go to another.
 * @param sections all of the line: they share their cookies
 * @throws {CliError} usage
 */
export function refuseCookiesByHeader(sections: CurlSection[]): void {
  const targets = allTargets(sections).filter(hasToken);
  const hostsWithToken = new Set(targets.map(({ app }) => app.hostname));
  for (const section of sections) {
    const name = hostHeadersOf(section).find((host) => hostsWithToken.has(host));
    if (name === undefined || asksOnly(section, name)) continue;
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

/** The names in the section's own `Host` headers, without ports. */
function hostHeadersOf(section: CurlSection): string[] {
  const lines = optionValues(section, "H", "header").flatMap(headerLines);
  return lines.flatMap((line) => {
    const [, value = ""] = /^host\s*:\s*(.*?)\s*$/i.exec(line) ?? [];
    const host = parseAuthority(value)?.host;
    return host === undefined ? [] : [host.toLowerCase()];
  });
}

/** @param value a header, or `@` and the name of a file with one in each line */
function headerLines(value: string): string[] {
  if (!value.startsWith("@")) return [value];
  try {
    return readFileSync(bytesOf(value.slice(1)), "latin1").split(/\r?\n/);
  } catch {
    return [];
  }
}
