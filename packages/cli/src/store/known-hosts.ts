// What is remembered of a host: the team domain it belongs to, for good, and its applications, for
// as long as the gateway said (wire-protocol 6.1). A host that changes its team domain is refused
// until the person says `access forget`: otherwise whoever takes over a name could lead people to a
// login page of his own.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { fileNameOf, readPrivateJson, removeFile, writePrivateFile } from "./private-files.ts";

/** An application as its gateway described it, signed and verified. */
export interface Application {
  auth_domain: string;
  /** origin of the team domain */
  team: string;
  /** pattern that covers the host asked */
  app_hostname: string;
  aud: string;
  /** where the terminal polls: ends in `/transfer/` */
  relay: string;
  /** false where policy lets everybody through */
  login: boolean;
  /** path that this holds for: everything below it, or only this very path when `exact` */
  scope: string;
  exact: boolean;
  /** milliseconds since the epoch */
  fresh_until: number;
}

interface HostRecord {
  host: string;
  auth_domain: string;
  applications: Application[];
}

type Place = Pick<Context, "home">;
const mostApplications = 50;

function recordFile(place: Place, origin: string): string {
  return join(place.home, "hosts", `${fileNameOf(origin)}.json`);
}

function readRecord(place: Place, app: AppUrl): HostRecord | undefined {
  const record = readPrivateJson(place.home, recordFile(place, app.origin));
  if (
    record?.["host"] !== app.origin ||
    typeof record["auth_domain"] !== "string" ||
    !Array.isArray(record["applications"])
  )
    return undefined;
  return record as unknown as HostRecord;
}

/** The team domain that this host named first. */
export function rememberedTeam(place: Place, app: AppUrl): string | undefined {
  return readRecord(place, app)?.auth_domain;
}

/** The application that covers this URL, as long as its description is fresh. */
export function rememberedApplication(
  context: Pick<Context, "home" | "now">,
  app: AppUrl,
): Application | undefined {
  const now = context.now();
  return readRecord(context, app)?.applications.find(
    // A description "from the future" is one from before the clock was set back: it is not fresh.
    (known) =>
      known.fresh_until > now &&
      known.fresh_until <= now + longestFreshness &&
      covers(known, app.pathname),
  );
}

/** No description is believed for longer, whatever it says (milliseconds). */
export const longestFreshness = 24 * 3600_000;

// What the gateway may read differently from us is only ever matched whole: a path with escapes,
// empty segments or matrix parameters might canonicalize to somewhere outside the scope.
const plainPath = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;

function covers(known: Application, pathname: string): boolean {
  return known.exact
    ? known.scope === pathname
    : plainPath.test(pathname) && isBelow(pathname, known.scope);
}

/** Whether the path is the scope itself or lies below it, on a segment boundary. */
export function isBelow(pathname: string, scope: string): boolean {
  return pathname === scope || pathname.startsWith(scope.endsWith("/") ? scope : `${scope}/`);
}

/** Remembers the host's team domain and this application. */
export function remember(
  context: Pick<Context, "home" | "now">,
  app: AppUrl,
  application: Application,
): void {
  const now = context.now();
  const others = (readRecord(context, app)?.applications ?? []).filter(
    (known) =>
      known.fresh_until > now &&
      !(known.scope === application.scope && known.exact === application.exact),
  );
  const record: HostRecord = {
    host: app.origin,
    auth_domain: application.auth_domain,
    applications: [application, ...others].slice(0, mostApplications),
  };
  writePrivateFile(context.home, recordFile(context, app.origin), `${JSON.stringify(record)}\n`);
}

/**
 * Forgets a host's team domain. A name without a port stands for all its ports.
 * @returns the origins that were forgotten
 */
export function forget(place: Place, host: string): string[] {
  const directory = join(place.home, "hosts");
  const wanted = host.toLowerCase();
  return list(directory).flatMap((name) => {
    const path = join(directory, name);
    const origin = readPrivateJson(place.home, path)?.["host"];
    if (typeof origin !== "string" || !URL.canParse(origin)) return [];
    const url = new URL(origin);
    if (url.host !== wanted && url.hostname !== wanted) return [];
    removeFile(path);
    return [origin];
  });
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}
