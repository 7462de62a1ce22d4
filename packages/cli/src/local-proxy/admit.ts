// Which local requests may use the credential. A web page can make a browser send requests to this
// machine, and a name that its owner points here makes them look like its own (case W5): so the
// host must be written exactly, and what comes from another site is refused. Nothing is asked of
// the gateway for a request that is refused here.
import { type RawFields, valuesOf } from "./header-fields.ts";
import { isReservedPath } from "./reserved-path.ts";

/** The head of a local request. */
export interface LocalHead {
  method: string;
  /** the request target as it stands in the request line */
  target: string;
  rawFields: RawFields;
}

/** What holds for every request of one listener. */
export interface AdmissionRules {
  /** `host` or `host:port` that stand for this proxy, lower case */
  hosts: ReadonlySet<string>;
  /** origins besides those of `hosts` */
  origins: ReadonlySet<string>;
}

export type Admission =
  /** @property localOrigin this proxy, as the client calls it */
  | { ok: true; localOrigin: string }
  /** @property why one line for the tool */
  | { ok: false; status: number; why: string };

/** Methods by which a server repeats what it was sent, credentials included. */
const echoes = new Set(["TRACE", "TRACK"]);

/** Says whether a local request may go to the gateway. */
export function admit({ method, target, rawFields }: LocalHead, rules: AdmissionRules): Admission {
  // 1. It is meant for this proxy.
  const [host = "", ...moreHosts] = valuesOf(rawFields, "host");
  if (moreHosts.length > 0 || !rules.hosts.has(host.toLowerCase()))
    return refuse(403, `this proxy is not ${shown(host)}; use ${[...rules.hosts].join(" or ")}`);
  // 2. It does not come from a page of another site.
  const localOrigin = `http://${host.toLowerCase()}`;
  const foreign = foreignOrigin(rawFields, rules);
  if (foreign !== undefined) return refuse(403, `requests from ${shown(foreign)} are refused`);
  // 3. It is a request for a path, and this is no forward proxy.
  if (method === "CONNECT" || !target.startsWith("/"))
    return refuse(400, "this is no forward proxy; use its address in place of the application's");
  if (echoes.has(method)) return refuse(405, `${method} is refused: it repeats credentials`);
  // 4. The path is the application's.
  const [path = ""] = target.split(/[?#]/, 1);
  if (isReservedPath(path))
    return refuse(403, "paths below /cdn-cgi/access/ are the gateway's own and refused here");
  return { ok: true, localOrigin };
}

function refuse(status: number, why: string): Admission {
  return { ok: false, status, why };
}

/** @returns undefined where the request comes from no page, or from one of this proxy */
function foreignOrigin(
  rawFields: RawFields,
  { hosts, origins }: AdmissionRules,
): string | undefined {
  const isOurs = (origin: string) =>
    origins.has(origin) || [...hosts].some((host) => origin === `http://${host}`);
  const foreign = valuesOf(rawFields, "origin").find((origin) => !isOurs(origin.toLowerCase()));
  if (foreign !== undefined) return foreign;
  const site = valuesOf(rawFields, "sec-fetch-site").find(
    (value) => value !== "same-origin" && value !== "none",
  );
  return site === undefined ? undefined : `another site (Sec-Fetch-Site: ${site})`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100)).replace(/[^\x20-\x7e]/g, "?");
}
