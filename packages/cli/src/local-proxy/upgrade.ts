// A local request that asks to go on with another protocol, a WebSocket above all. Where the
// application agrees, both connections become one tunnel; every other answer is an ordinary one,
// after which the connection is closed.
import { type IncomingMessage, ServerResponse } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { localFields } from "./answer-fields.ts";
import { forward, headFor, type ProxyParts } from "./exchange.ts";
import type { UpgradeAnswer, UpgradeRequest } from "./gateway-http1.ts";
import type { GatewayHead } from "./gateway-request.ts";
import { pairsOf, valuesOf } from "./header-fields.ts";
import { sendRefusal, writeHead } from "./local-answer.ts";
import { credentialRefused, type Refusal, refusalFor, wantsCredential } from "./refusals.ts";

/** A local upgrade. */
export interface LocalUpgrade {
  request: IncomingMessage;
  socket: Duplex;
  /** what the client sent behind its head */
  first: Buffer;
}

/** An ordinary response on the connection of an upgrade, which is closed after it. */
export function responseTo({ request, socket }: LocalUpgrade): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // It is the HTTP server's own socket, whatever its type says.
  response.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
  socket.on("error", () => {});
  response.once("finish", () => socket.end());
  return response;
}

/** Sends an admitted upgrade on. */
export async function forwardUpgrade(
  parts: ProxyParts,
  upgrade: LocalUpgrade,
  localOrigin: string,
): Promise<void> {
  const { request } = upgrade;
  const response = responseTo(upgrade);
  const head = headFor(parts, request, localOrigin);
  const refuse = (refusal: Refusal) => {
    parts.report(refusal.line);
    sendRefusal(response, refusal);
  };
  if (head.hasBody) return refuse({ status: 400, line: "an upgrade with a body is refused" });
  const protocol = request.headers.upgrade ?? "";
  // An offer that may be ignored (RFC 9110 7.8), and that curl makes with every request.
  if (protocol.toLowerCase() === "h2c") return forward(parts, request, response, localOrigin);
  try {
    const answer = await ask(parts, head, protocol, response);
    if ("line" in answer) refuse(answer);
    else deliver(answer, upgrade, response, { appOrigin: parts.app.origin, localOrigin });
  } catch (error) {
    refuse(refusalFor(error, parts.app.origin));
  }
}

/** The answer of the application, or why there is none. */
async function ask(
  parts: ProxyParts,
  head: GatewayHead,
  protocol: string,
  response: ServerResponse,
): Promise<UpgradeAnswer | Refusal> {
  const { source, team, app } = parts;
  const asked = { method: head.method, url: new URL(app.origin + head.path) };
  for (const isLast of [false, true]) {
    const credential = await source.fieldsFor(asked);
    const fields = [...head.fields, ...Object.entries(credential).flat()];
    const request = await parts.connections.openUpgrade({ ...head, fields }, protocol);
    const answer = await answerUnlessClosed(request, response);
    if (answer.kind === "tunnel" || !wantsCredential(answer.answer, team)) return answer;
    request.cancel();
    if (isLast || !(await source.refused(credential, asked))) break;
  }
  return credentialRefused(app.origin);
}

/** A client that goes away ends the request at the gateway. */
async function answerUnlessClosed(
  request: UpgradeRequest,
  response: ServerResponse,
): Promise<UpgradeAnswer> {
  response.once("close", request.cancel);
  try {
    return await request.answer;
  } finally {
    response.off("close", request.cancel);
  }
}

function deliver(
  answer: UpgradeAnswer,
  { socket, first }: LocalUpgrade,
  response: ServerResponse,
  sides: { appOrigin: string; localOrigin: string },
): void {
  if (answer.kind === "answer") {
    writeHead(response, answer.answer, localFields(answer.answer.fields, sides));
    pipeline(answer.answer.body, response, () => {});
    return;
  }
  const { socket: tunnel, reason, fields } = answer;
  const [protocol = ""] = valuesOf(fields, "upgrade");
  const lines = [
    `HTTP/1.1 101 ${reason}`,
    "Connection: Upgrade",
    `Upgrade: ${protocol}`,
    ...pairsOf(localFields(fields, sides)).map(([name, value]) => `${name}: ${value}`),
  ];
  response.detachSocket(socket as Parameters<ServerResponse["detachSocket"]>[0]);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  socket.write(answer.first);
  tunnel.write(first);
  // Each direction ends by itself; where one breaks, both do.
  pipeline(socket, tunnel, (error) => void (error && socket.destroy()));
  pipeline(tunnel, socket, (error) => void (error && tunnel.destroy()));
}
