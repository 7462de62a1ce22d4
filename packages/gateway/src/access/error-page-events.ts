// The event of each answer that says that something is wrong: the ray id on it finds this line,
// where no other event has it.
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { NoteRefusal } from "../http/refused-request.ts";
import type { RequestHead } from "../http/transport.ts";
import { canonicalPeer } from "../network.ts";
import type { GatewayEvent } from "../observe/events.ts";
import type { Problem } from "./problems.ts";
import type { UnreadableRequest } from "./read-request.ts";

/** Characters of what a stranger writes that the log gets. */
const loggedLength = 500;

/** For a request that was understood. */
export function errorPageEvent(facts: RequestFacts, problem: Problem): GatewayEvent {
  return {
    event: "error_page_shown",
    ray: facts.rayId,
    ip: facts.clientIp,
    method: facts.method,
    host: facts.authority,
    path: facts.path.slice(0, loggedLength),
    status: problem.status,
    reason: problem.error,
  };
}

/** For a request that has no meaning, or two. */
export function unreadableEvent(
  { method, target, peer = "unix" }: RequestHead,
  { fault, detail, headers, rayId }: UnreadableRequest,
  status: number,
): GatewayEvent {
  return {
    event: "error_page_shown",
    ray: rayId,
    ip: peer,
    method,
    host: headers.host.join(" | ").slice(0, loggedLength),
    path: pathOf(target),
    status,
    reason: detail === undefined ? fault : `${fault}: ${detail}`,
  };
}

/** For what the transport refused: it may have no method and no path. */
export function refusalEvent(ray: string, refusal: Parameters<NoteRefusal>[0]): GatewayEvent {
  const { status, reason, method, target, peer } = refusal;
  return {
    event: "error_page_shown",
    ray,
    ip: peer === undefined ? "unix" : canonicalPeer(peer),
    method,
    host: "",
    path: pathOf(target),
    status,
    reason,
  };
}

/** Without its query and its user, which may hold a secret: `http://ada:hunter2@host/path`. */
function pathOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  return path.replace(userOf, "$1").slice(0, loggedLength);
}

/** What stands before the host of an absolute target, or of one for CONNECT (RFC 9112 3.2). */
const userOf = /^([a-z][a-z\d+.-]*:\/\/)?[^/]*@/i;
