// Which requests ask for another protocol on their connection that the gateway goes on with (RFC
// 9110 7.8). Node hands over the socket of every request with `Connection: upgrade`; a request that
// the gateway answers as HTTP must not lose its connection that way.
import { IncomingMessage } from "node:http";
import { isTakenProtocol } from "./request-framing.ts";

/** A request of node:http that keeps its connection unless the gateway takes its upgrade. */
export class UpgradeAwareRequest extends IncomingMessage {
  /** whether the parser saw `Upgrade` and `Connection: upgrade`, or CONNECT */
  declare asksForUpgrade: boolean;

  // Node's constructor and its parser assign this property; the parser reads it when the head is
  // complete, and hands over the socket where it is true.
  get upgrade(): boolean {
    if (!this.asksForUpgrade) return false;
    return this.method === "CONNECT" || takenProtocol(this) !== undefined;
  }

  set upgrade(value: boolean | null | undefined) {
    this.asksForUpgrade = value === true;
  }
}

/** Whether a request asks for an upgrade, taken or not. */
export function asksForUpgrade(request: IncomingMessage): boolean {
  return request instanceof UpgradeAwareRequest && request.asksForUpgrade;
}

/**
 * The protocol that a request asks for, as the client writes it; undefined when the request is to
 * be answered as HTTP.
 */
export function takenProtocol(request: IncomingMessage): string | undefined {
  // HTTP/1.0 has no upgrades (RFC 9110 7.8), and a body would have to be read first.
  if (request.httpVersion !== "1.1" || hasBody(request)) return undefined;
  const values = request.headersDistinct["upgrade"] ?? [];
  const [value = ""] = values;
  return values.length === 1 && isTakenProtocol(value) ? value : undefined;
}

function hasBody({ headers }: IncomingMessage): boolean {
  if (headers["transfer-encoding"] !== undefined) return true;
  return (headers["content-length"] ?? "0") !== "0";
}
