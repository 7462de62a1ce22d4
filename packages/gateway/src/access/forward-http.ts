// The last step: a request that may pass goes to its origin, and the answer comes back, both as they arrive and no
// faster than the other side takes them. What the origin gets was written by sanitize-headers.ts; nothing is added here.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { IngressRule } from "../policy/model.ts";
import type { RequestFacts } from "../request-facts.ts";
import type { OriginFault } from "./origin-connection.ts";
import { createOriginPools, type OriginPool } from "./origin-pool.ts";
import { RequestBody } from "./request-body.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { sanitizeResponseHeaders, sanitizeTrailers } from "./sanitize-headers.ts";

export interface Forwarding {
  request: IncomingMessage;
  response: ServerResponse;
  facts: RequestFacts;
  sent: RequestHeaders;
  rule: IngressRule;
  /** names and values in turn, `Host` among them */
  headers: readonly string[];
  /** called when the origin did not answer and nothing has been said to the client yet */
  onFault: (fault: ForwardFault, detail: string) => void;
}

export interface Forwarder {
  forward(forwarding: Forwarding): void;
  /** ends idle connections */
  close(): void;
}

/** `stalled_body`: the client stopped in the middle of its own request. */
export type ForwardFault = OriginFault | "stalled_body";

/** An origin that does not know `100 Continue` gets the body after this time (RFC 9110 section 10.1.1). */
const continueAnywayMs = 1_000;
const repeatableMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** @param limits.bodyTimeout milliseconds for which a client may pause in the middle of a body */
export function createForwarder(limits: { bodyTimeout: number }): Forwarder {
  const pools = createOriginPools();
  return {
    forward(forwarding) {
      const pool = pools.poolFor(forwarding.rule);
      exchange(forwarding, pool, limits.bodyTimeout, !forwarding.sent.hasBody && repeatableMethods.has(forwarding.facts.method));
    },
    close: () => pools.close(),
  };
}

/** @param repeatable the origin may get the request once more, when it closed an idle connection just as it was used */
function exchange(forwarding: Forwarding, pool: OriginPool, pauseLimit: number, repeatable: boolean): void {
  const { request, response, facts, sent, rule } = forwarding;
  const connection = pool.take(repeatable);
  const { reused } = connection;
  const expectAnswer = () => connection.expectAnswer(rule.originRequest.responseTimeout);
  const body = sent.hasBody
    ? new RequestBody({
        request,
        connection,
        chunked: sent.chunked,
        pauseLimit,
        onComplete: expectAnswer,
        onStall: () => give("stalled_body", ""),
      })
    : undefined;
  let continueAnyway: NodeJS.Timeout | undefined;
  let held = false;

  function over(): void {
    response.off("close", abandon);
    clearTimeout(continueAnyway);
    body?.stop();
  }
  /** The client went away: the origin need not go on. */
  function abandon(): void {
    over();
    connection.destroy();
  }
  function give(fault: ForwardFault, detail: string): void {
    abandon();
    // Once the answer has begun, cutting it off is the only way left to say that this is not all of it.
    if (response.headersSent) response.destroy();
    else forwarding.onFault(fault, detail);
  }
  function startBody(): void {
    clearTimeout(continueAnyway);
    if (body?.start() === true && sent.expectsContinue) response.writeContinue();
  }

  response.once("close", abandon);
  connection.start(facts.method, requestHead(forwarding), {
    information(status) {
      if (status === 100) startBody();
    },
    head(head) {
      // Without its go-ahead the client keeps the body, and what it sends next could be either.
      if (sent.expectsContinue && body?.started === false) response.shouldKeepAlive = false;
      response.writeHead(head.status, head.reason, sanitizeResponseHeaders(head, facts.rayId));
    },
    data(chunk) {
      if (response.write(chunk) || held) return;
      held = true;
      connection.pause();
      response.once("drain", () => {
        held = false;
        connection.resume();
      });
    },
    end(rawTrailers) {
      over();
      if (rawTrailers.length > 0) response.addTrailers(pairs(sanitizeTrailers(rawTrailers)));
      response.end();
      // An origin that answers before it has the whole request may never read the rest of it.
      if (body === undefined || body.complete) pool.keep(connection);
      else connection.destroy();
    },
    fail(fault, detail) {
      const again = fault === "closed" && repeatable && reused && !connection.answered;
      if (again) {
        over();
        exchange(forwarding, pool, pauseLimit, false);
      } else give(fault, detail);
    },
    drain: () => body?.resume(),
  });
  if (body === undefined) expectAnswer();
  else if (sent.expectsContinue) continueAnyway = setTimeout(startBody, continueAnywayMs);
  else startBody();
}

function requestHead({ facts, headers, sent }: Forwarding): string {
  const target = facts.query === "" ? facts.path : `${facts.path}?${facts.query}`;
  let head = `${facts.method} ${target} HTTP/1.1\r\n`;
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  if (sent.chunked) head += "Transfer-Encoding: chunked\r\n";
  if (sent.expectsContinue) head += "Expect: 100-continue\r\n";
  return `${head}\r\n`;
}

function pairs(fields: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index < fields.length; index += 2) found.push([fields[index] ?? "", fields[index + 1] ?? ""]);
  return found;
}
