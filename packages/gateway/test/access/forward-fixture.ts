// A gateway in front of one origin, open to everybody: for what happens to requests and answers on
// their way. The origin is a real one, or speaks byte for byte as a test wants it.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import { gatewayRequest } from "../../../../test/support/gateway-request.ts";
import {
  startUpstream,
  type Upstream,
  type UpstreamOptions,
} from "../../../../test/support/upstream.ts";

export const host = "open.localhost";
export const megabyte = 1024 * 1024;

export interface Scene {
  gateway: TestGateway;
  upstream: Upstream;
}

export async function gatewayTo(
  context: TestContext,
  ingress: Record<string, unknown>[],
  more: Record<string, unknown> = {},
): Promise<TestGateway> {
  const policies = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];
  const gateway = await startGateway({
    sections: {
      identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      ingress,
      applications: [{ name: "Open", type: "self_hosted", domain: host, policies }],
      ...more,
    },
  });
  context.after(() => gateway.close());
  return gateway;
}

export async function scene(
  context: TestContext,
  options: UpstreamOptions = {},
  originRequest: Record<string, unknown> = {},
): Promise<Scene> {
  const upstream = await startUpstream(options);
  context.after(() => upstream.close());
  return {
    upstream,
    gateway: await gatewayTo(context, [serviceOf(upstream, options, originRequest)]),
  };
}

function serviceOf(
  { origin }: Upstream,
  { http2 }: UpstreamOptions,
  originRequest: Record<string, unknown>,
): Record<string, unknown> {
  if (http2 !== true) return { service: origin, originRequest };
  return { service: origin, originRequest: { ...originRequest, http2Origin: true } };
}

/** An origin that speaks as the test wants it, byte for byte. */
export async function rawOrigin(
  context: TestContext,
  speak: (socket: Socket, count: number) => void,
): Promise<{ origin: string; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    speak(socket, sockets.push(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    server,
    sockets,
  };
}

export function ask(
  gateway: TestGateway,
  options: { method?: string; path?: string; headers?: Record<string, string> } = {},
) {
  const { method = "GET", path = "/", headers = {} } = options;
  return gatewayRequest({
    host: "127.0.0.1",
    port: gateway.port,
    method,
    path,
    agent: false,
    headers: { Host: host, ...headers },
  });
}

export async function answerOf(
  asked: ReturnType<typeof ask>,
): Promise<{ response: IncomingMessage; body: Buffer }> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { response, body: Buffer.concat(chunks) };
}
