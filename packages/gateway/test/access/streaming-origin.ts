// An origin with everything that stays open: WebSockets that echo, event streams, downloads and
// long polls. It notes what of it is open.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { acceptOf } from "@postern/protocol/websocket-handshake";
import { Peer, switching, webSocketLines } from "./upgrade-fixture.ts";

export interface StreamingOrigin {
  origin: string;
  /** requests whose connection or answer is open */
  open: Set<string>;
  /** Sends a piece to every stream but the polls. */
  publish(text: string): void;
}

const types: Record<string, string> = {
  events: "text/event-stream",
  grpc: "application/grpc+proto",
  download: "application/octet-stream",
};

/** Paths are `/<kind>/<name>`: `websocket`, `events`, `grpc`, `download`, or `poll`. */
export async function startStreamingOrigin(context: TestContext): Promise<StreamingOrigin> {
  const open = new Set<string>();
  const writers = new Map<string, (text: string) => void>();
  const add = (url: string, stream: Socket | ServerResponse, write?: (text: string) => void) => {
    open.add(url);
    if (write !== undefined) writers.set(url, write);
    stream.on("error", () => undefined);
    stream.once("close", () => {
      open.delete(url);
      writers.delete(url);
    });
  };
  const server = createServer((request, response) => {
    const [url = ""] = (request.url ?? "").split("?");
    const type = types[url.split("/")[1] ?? ""];
    add(url, response, type === undefined ? undefined : (text) => response.write(text));
    if (type === undefined) return;
    response.writeHead(200, { "Content-Type": type });
    response.write("first;");
  });
  server.on("upgrade", (request, socket: Socket) => {
    add(request.url ?? "", socket, (text) => socket.write(text));
    socket.on("end", () => socket.end());
    socket.resume();
    if (request.url?.startsWith("/poll/")) return;
    const accept = acceptOf(request.headers["sec-websocket-key"] ?? "");
    socket.write(`${switching("websocket", [`Sec-WebSocket-Accept: ${accept}`])}first;`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open,
    publish: (text) => {
      for (const write of writers.values()) write(text);
    },
  };
}

/** Opens one through a gateway. @param lines with the credential */
export function openStream(
  context: TestContext,
  port: number,
  path: string,
  lines: readonly string[],
  host = "app.localhost",
): Peer {
  const socket = connect({ host: "127.0.0.1", port });
  context.after(() => socket.destroy());
  const upgrade = path.startsWith("/websocket/") ? webSocketLines : [];
  const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...upgrade, ...lines, "", ""];
  const peer = new Peer(socket);
  peer.send(head.join("\r\n"));
  return peer;
}
