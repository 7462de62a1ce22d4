// Whose page opens a WebSocket (case W1). Browsers send cookies along whichever page asks, and
// WebSockets are not subject to CORS: the server is the one who must look at `Origin` (RFC 6455
// 10.2).
import { valuesOf } from "../http/request-headers.ts";
import type { Application } from "../model/model.ts";
import type { Authentication } from "./authenticate.ts";
import type { ReadRequest } from "./read-request.ts";

/**
 * The origin of the page that asks for an upgrade with somebody's cookie, where it is neither the
 * application's own nor one that the application lists; undefined where nothing is wrong. Another
 * scheme or port is another origin. Programs send no `Origin`, and pages no header tokens. A pass
 * belongs to whoever has it.
 */
export function foreignOrigin(
  { facts, rawHeaders, upgrade }: ReadRequest,
  { websocket_origins: allowed = [] }: Application,
  authentication: Authentication,
): string | undefined {
  if (upgrade === undefined) return undefined;
  if (authentication.kind !== "person" || authentication.via !== "cookie") return undefined;
  const own = `${facts.scheme}://${facts.authority}`;
  const isWelcome = (origin: string) => origin === own || allowed.includes(origin);
  return valuesOf(rawHeaders, "origin").find((origin) => !isWelcome(origin));
}
