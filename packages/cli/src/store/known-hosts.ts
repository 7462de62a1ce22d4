// What is remembered of a host: the team domain it belongs to, for good, and its applications, for
// as long as the gateway said (wire-protocol 6.1). A host that changes its team domain is refused
// until the person says `access forget`: otherwise whoever takes over a name could lead people to a
// login page of his own.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type AppUrl, parseUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import {
  attemptWrite,
  fileNameOf,
  readPrivateJson,
  removeFile,
  type UnwritableError,
  writePrivateFile,
} from "./private-files.ts";

/** An application as its gateway described it, signed and verified. */
export interface Application {
  /** scheme, host and port that were asked */
  origin: string;
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
  /** true where the application takes its token as `Authorization: Bearer` (wire-protocol 3) */
  accept_bearer?: boolean;
  /** true where a token counts beside a proof of its key alone (wire-protocol 3.7) */
  proof_of_possession?: boolean;
  /** path that this holds for: everything below it, or only this very path when `exact` */
  scope: string;
  exact: boolean;
  /** when the gateway described it: milliseconds since the epoch */
  asked_at: number;
  /** milliseconds since the epoch */
  fresh_until: number;
}

interface HostRecord {
  /** origin */
  host: string;
  auth_domain: string;
  applications: Application[];
}

type Store = Pick<Context, "home">;
type StoreAt = Pick<Context, "home" | "now">;

const mostApplications = 50;

/** No description is believed for longer, whatever it says (milliseconds). */
export const longestFreshness = 24 * 3600_000;

/**
 * For how long the gateway's word is taken that a token is good, or that policy lets everybody
 * through, until it is asked again (milliseconds). A script that calls in a loop pays for one
 * question in this time.
 */
const trustedFor = 15_000;

/** Whether the gateway was asked so recently that its word still counts. */
export function isRecent({ now }: Pick<Context, "now">, askedAt: number): boolean {
  const age = now() - askedAt;
  return age >= 0 && age < trustedFor;
}

function recordFile({ home }: Store, origin: string): string {
  return join(home, "hosts", `${fileNameOf(origin)}.json`);
}

function readRecord(store: Store, { origin }: AppUrl): HostRecord | undefined {
  const record = readPrivateJson(store.home, recordFile(store, origin));
  const isUsable =
    record?.["host"] === origin &&
    typeof record["auth_domain"] === "string" &&
    Array.isArray(record["applications"]);
  if (!isUsable) return undefined;
  const { applications, ...host } = record as unknown as HostRecord;
  return { ...host, applications: applications.map((each) => ({ ...each, origin })) };
}

/** The team domain that this host named first. */
export function rememberedTeam(store: Store, app: AppUrl): string | undefined {
  return readRecord(store, app)?.auth_domain;
}

/** The application that covers this URL, as long as its description is fresh. */
export function rememberedApplication(store: StoreAt, app: AppUrl): Application | undefined {
  const now = store.now();
  return readRecord(store, app)?.applications.find((application) =>
    appliesTo(application, app.pathname, now),
  );
}

/** Whether the description of the application still holds, and holds for this path. */
export function appliesTo(application: Application, pathname: string, now: number): boolean {
  return isFresh(application, now) && covers(application, pathname);
}

/** One "from the future" is one from before the clock was set back: it is not fresh. */
function isFresh({ fresh_until }: Application, now: number): boolean {
  return fresh_until > now && fresh_until <= now + longestFreshness;
}

// What the gateway may read differently from us is only ever matched whole: a path with escapes,
// empty segments or matrix parameters might canonicalize to somewhere outside the scope. None does
// where the scope is the whole host.
const plainPath = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;

function covers({ scope, exact }: Application, pathname: string): boolean {
  if (exact) return scope === pathname;
  if (scope === "/") return true;
  return plainPath.test(pathname) && isBelow(pathname, scope);
}

/** Whether the path is the scope itself or lies below it, on a segment boundary. */
export function isBelow(pathname: string, scope: string): boolean {
  return pathname === scope || pathname.startsWith(scope.endsWith("/") ? scope : `${scope}/`);
}

/**
 * Remembers the host's team domain and this application.
 * @returns why it is not remembered; undefined when it is
 */
export function remember(
  store: StoreAt,
  app: AppUrl,
  application: Application,
): UnwritableError | undefined {
  const now = store.now();
  const { scope, exact } = application;
  const others = (readRecord(store, app)?.applications ?? []).filter(
    (other) => other.fresh_until > now && !(other.scope === scope && other.exact === exact),
  );
  const record: HostRecord = {
    host: app.origin,
    auth_domain: application.auth_domain,
    applications: [application, ...others].slice(0, mostApplications),
  };
  const path = recordFile(store, app.origin);
  return attemptWrite(() => writePrivateFile(store.home, path, `${JSON.stringify(record)}\n`));
}

/**
 * Forgets a host's team domain.
 * @param host `host[:port]`; a name without a port stands for all its ports
 * @returns the origins that were forgotten
 */
export function forget(store: Store, host: string): string[] {
  const directory = join(store.home, "hosts");
  const name = host.toLowerCase();
  return list(directory).flatMap((fileName) => {
    const path = join(directory, fileName);
    const origin = readPrivateJson(store.home, path)?.["host"];
    const url = parseUrl(origin);
    if (url === undefined || (url.host !== name && url.hostname !== name)) return [];
    removeFile(path);
    return [String(origin)];
  });
}

/** The origins of all hosts of which anything is remembered. */
export function knownOrigins(store: Store): string[] {
  const directory = join(store.home, "hosts");
  const records = list(directory).map((name) => readPrivateJson(store.home, join(directory, name)));
  const urls = records.map((record) => parseUrl(record?.["host"]));
  return urls.flatMap((url) => (url === undefined ? [] : [url.origin])).sort();
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}
