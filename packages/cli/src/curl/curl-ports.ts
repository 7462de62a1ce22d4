// Keeps a token in curl's cookie file from another port of its host: the cookie engine knows hosts
// and paths, but no ports (RFC 6265 8.5), and whoever serves another port is not the gateway. A
// line that names both is refused. Where curl goes on to URLs that we have not seen, by a redirect
// or a file, every other port of the host leads nowhere.
import { isLoopbackHost } from "@postern/protocol/host";
import { type AppUrl, portOf } from "../app-url.ts";
import { CliError } from "../exit-status.ts";
import { hasToken } from "./cookie-file.ts";
import { type CurlSection, type CurlTarget, goesFurther, hasOption } from "./curl-section.ts";

/** A port of this machine that nobody but its administrator can serve. */
const nowhere = "127.0.0.1:1";

/**
 * Refuses a line that would send one port's cookie to another port of the same host. Cookies are
 * shared by all transfers of a run, those after `--next` included.
 * @throws {CliError} usage
 */
export function refuseSeveralPorts(targets: CurlTarget[]): void {
  for (const { app, credential } of targets) {
    const other = targets.find((each) => isOtherPort(each.app, app));
    if (other === undefined || credential?.stored === undefined) continue;
    throw new CliError(
      "usage",
      `curl's cookies ignore ports: the token for ${app.origin} would also go to ${other.app.origin}; run curl once for each`,
    );
  }
}

function isOtherPort(a: AppUrl, b: AppUrl): boolean {
  return a.hostname === b.hostname && a.origin !== b.origin;
}

/**
 * The options that bind each host with a token to the port that it was got for. They hold behind a
 * proxy as well: plain http goes to none here, and https is tunnelled through it in any case.
 * @param targets those of every section: they share their cookies
 * @throws {CliError} usage where an option of the person's own connects hosts elsewhere
 */
export function portArguments(section: CurlSection, targets: CurlTarget[]): string[] {
  const apps = targets.filter(hasToken).map(({ app }) => app);
  if (apps.length === 0 || !goesFurther(section)) return [];
  if (hasOption(section, "connect-to")) {
    throw new CliError(
      "usage",
      "curl's cookies ignore ports, and with --connect-to the token cannot be bound to its port; leave out -L or --connect-to",
    );
  }
  // The first rule that fits counts.
  const rules = apps.flatMap(portRules);
  return [...new Set(rules)].flatMap((rule) => ["--connect-to", rule]);
}

function portRules({ origin }: AppUrl): string[] {
  const url = new URL(origin);
  const authority = `${url.hostname}:${portOf(url)}`;
  const plain = reachesPlainHttp(url) ? [`${url.hostname}:80:${url.hostname}:80`] : [];
  return [`${authority}:${authority}`, ...plain, `${url.hostname}::${nowhere}`];
}

/**
 * Whether a redirect may go by way of plain http. A cookie that was got over https is not sent
 * there, but for names of this machine, which curl takes for secure (RFC 6265bis 5.8.3).
 */
function reachesPlainHttp({ protocol, hostname }: URL): boolean {
  return protocol === "https:" && !isLoopbackHost(hostname);
}
