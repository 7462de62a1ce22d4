// Which requests are for the admin API at all. It is used by programs: a page in a browser on the
// same machine must reach it neither by a name that leads here (DNS rebinding, case W5) nor by a
// request across origins. Cookies are never read, so that a browser has nothing to lend to a page.
import { isLoopbackHost, parseAuthority } from "@postern/protocol";
import type { ListenAddress } from "../config/values.ts";
import { valuesOf } from "../http/request-headers.ts";
import type { RequestHead } from "../http/transport.ts";
import type { ErrorName } from "./error-codes.ts";

/** A request that may be looked at further, or why it may not. */
export type Admission =
  | { ok: true; path: string; query: URLSearchParams }
  | { ok: false; fault: ErrorName };

/** Looks at what a request is for. @param listen where it arrived */
export function admit({ target, rawHeaders }: RequestHead, listen: ListenAddress): Admission {
  const [host, ...more] = valuesOf(rawHeaders, "host");
  const authority = host === undefined ? undefined : parseAuthority(host);
  if (host === undefined || authority === undefined || more.length > 0)
    return { ok: false, fault: "bad_request" };
  if (isOwnMachine(listen) && !isLoopbackHost(authority.host))
    return { ok: false, fault: "forbidden_host" };
  if (comesFromElsewhere(rawHeaders, host)) return { ok: false, fault: "forbidden_origin" };

  const [path = "", ...query] = target.split("?");
  return { ok: true, path, query: new URLSearchParams(query.join("?")) };
}

function isOwnMachine(listen: ListenAddress): boolean {
  return listen.kind === "tcp" && isLoopbackHost(listen.host);
}

/** Whether a browser says that a page of another origin asks. */
function comesFromElsewhere(rawHeaders: readonly string[], host: string): boolean {
  const origins = valuesOf(rawHeaders, "origin");
  const isForeign = (origin: string) => origin.replace(/^https?:\/\//, "") !== host.toLowerCase();
  if (origins.some(isForeign)) return true;
  const sites = valuesOf(rawHeaders, "sec-fetch-site");
  return sites.some((site) => site !== "same-origin" && site !== "none");
}
