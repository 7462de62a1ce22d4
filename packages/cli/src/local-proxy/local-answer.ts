// Answers on the wire to a local client: those of the application, and the proxy's own.
import type { ServerResponse } from "node:http";
import type { GatewayAnswer } from "./gateway-request.ts";
import { valuesOf, withoutField } from "./header-fields.ts";
import type { Refusal } from "./refusals.ts";

/** Writes the head of an answer. What frames the body on this connection is up to `response`. */
export function writeHead(
  response: ServerResponse,
  { status, reason }: Pick<GatewayAnswer, "status" | "reason">,
  fields: readonly string[],
): void {
  response.sendDate = false;
  const mayTrail = valuesOf(fields, "content-length").length === 0;
  const shown = mayTrail ? [...fields] : withoutField(fields, "trailer");
  if (reason === "") response.writeHead(status, shown);
  else response.writeHead(status, reason, shown);
}

/** Answers with one line of text. An answer that has begun is broken off instead. */
export function sendRefusal(response: ServerResponse, { status, line }: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(`postern: ${line}\n`);
}
