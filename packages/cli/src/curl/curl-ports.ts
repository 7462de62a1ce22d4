// Keeps a token in curl's cookie file from another port of its host: the cookie engine knows hosts
// and paths, but no ports (RFC 6265 8.5), and whoever serves another port is not the gateway. A
// line that names both is refused. Where curl goes on to URLs that we have not seen, by a redirect
// or a file, every other port of the host leads nowhere.
import { type AppUrl, portOf } from "../app-url.ts";
import { CliError } from "../exit-status.ts";
import { type CurlSection, type CurlTarget, hasOption } from "./curl-section.ts";

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
      `curl's cookies know no ports: the token for ${app.origin} would go to ${other.app.origin} as well; run curl once for each`,
    );
  }
}

function isOtherPort(a: AppUrl, b: AppUrl): boolean {
  return a.hostname === b.hostname && a.origin !== b.origin;
}

/** Whether curl may ask URLs of the section's hosts that we have not looked at. */
function goesFurther(section: CurlSection): boolean {
  const follows = hasOption(section, "location", "location-trusted", "follow");
  return follows || section.hasUnreadUrls;
}

/**
 * The options that bind each host with a token to the port that it was got for. They hold behind a
 * proxy as well: plain http goes to none here, and https is tunnelled through it in any case.
 * @throws {CliError} usage where an option of the person's own connects hosts elsewhere
 */
export function portArguments(section: CurlSection): string[] {
  const apps = [...section.targets.values()]
    .filter(({ credential }) => credential?.stored !== undefined)
    .map(({ app }) => app);
  if (apps.length === 0 || !goesFurther(section)) return [];
  if (hasOption(section, "connect-to")) {
    throw new CliError(
      "usage",
      "curl's cookies know no ports, and --connect-to keeps us from binding the token to its own; leave out -L, or --connect-to",
    );
  }
  // The first rule that fits counts.
  const rules = apps.flatMap(({ origin }) => {
    const { hostname } = new URL(origin);
    const authority = `${hostname}:${portOf(new URL(origin))}`;
    // A cookie that was got over https is not sent to plain http.
    const plain = origin.startsWith("https:") ? [`${hostname}:80:${hostname}:80`] : [];
    return [`${authority}:${authority}`, ...plain, `${hostname}::${nowhere}`];
  });
  return [...new Set(rules)].flatMap((rule) => ["--connect-to", rule]);
}
