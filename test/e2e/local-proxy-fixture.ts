// A whole gateway with its origin, a terminal that is signed in, and the local proxy of
// `access http` in this process.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type AppUrl, readAppUrl } from "../../packages/cli/src/app-url.ts";
import { readListenPlace } from "../../packages/cli/src/local-proxy/listen-place.ts";
import {
  type LocalProxy,
  startLocalProxy,
} from "../../packages/cli/src/local-proxy/local-proxy.ts";
import { personSource } from "../../packages/cli/src/sign-in/credential-source.ts";
import { writeAppToken } from "../../packages/cli/src/store/token-store.ts";
import { surroundings, type TestSurroundings } from "../../packages/cli/test/support/context.ts";
import { defined } from "../../packages/gateway/src/defined.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { signIn } from "../support/sign-in.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

export interface LocalScene {
  upstream: Upstream;
  gateway: TestGateway;
  app: AppUrl;
  cli: TestSurroundings;
  proxy: LocalProxy;
  /** of the proxy, on a port */
  port: number;
  /** of the proxy, on a socket */
  socketPath: string | undefined;
  /** TCP connections that were made to the gateway */
  dials(): number;
  /** the token that the terminal holds */
  token: string;
  /** ends the session, and every token of it */
  endSession(): Promise<void>;
  /** signs the terminal in again, as another process would */
  signInAgain(): Promise<string>;
}

export interface SceneOptions {
  /** the gateway speaks TLS, and with it HTTP/2 */
  secure?: boolean;
  /** listens on a Unix socket */
  unix?: boolean;
  sections?: (origin: string) => Record<string, unknown>;
}

const host = "app.localhost";

export async function localScene(
  context: TestContext,
  { secure = false, unix = false, sections = simpleSections }: SceneOptions = {},
): Promise<LocalScene> {
  const upstream = await startUpstream();
  const certificate = secure ? certificateFor(context, [host, "login.localhost"]) : undefined;
  const gateway = await startGateway({
    sections: sections(upstream.origin),
    ...defined({ tls: certificate && [certificate] }),
  });
  const counter = await countingRelay(context, gateway.port);
  const cli = surroundings(context, {
    environment: { POSTERN_REQUEST_TIMEOUT: "60s" },
    caFile: certificate?.ca_file,
    network: {
      resolve: [],
      connectTo: [`::127.0.0.1:${counter.port}`],
      authorities: [],
      authorityFolders: [],
      unknown: [],
      curlOnly: [],
    },
  });
  const app = readAppUrl(gateway.origin(host));
  const { team } = gateway;
  let current = await signIn(gateway);
  const store = (token: string) =>
    writeAppToken(cli, {
      team,
      origin: app.origin,
      aud: gateway.aud(host),
      app_hostname: host,
      token,
      email: "ada@example.com",
      expires_at: Math.floor(Date.now() / 1000) + 3600,
      checked_at: 0,
    });
  store(current.token);
  const source = personSource(cli, app, () => ({
    mayPrompt: false,
    check: false,
    openBrowser: false,
    qr: false,
    autoClose: false,
    loginHint: undefined,
    prompt: undefined,
    timeout: 60_000,
  }));
  const socketPath = unix ? join(cli.home, "..", "app.sock") : undefined;
  const place = readListenPlace(socketPath === undefined ? "localhost:0" : `unix:${socketPath}`);
  const proxy = await startLocalProxy(cli, { app, team, source, place });
  context.after(async () => {
    proxy.close();
    await gateway.close();
    await upstream.close();
  });
  return {
    upstream,
    gateway,
    app,
    cli,
    proxy,
    port: Number(new URL(proxy.url ?? "http://localhost:1").port),
    socketPath,
    dials: () => counter.dials,
    token: current.token,
    endSession: async () => void (await gateway.parts.sessions.end(current.session.id)),
    signInAgain: async () => {
      current = await signIn(gateway);
      store(current.token);
      return current.token;
    },
  };
}

/** Counts connections on their way to a port. */
async function countingRelay(context: TestContext, target: number) {
  const counter = { port: 0, dials: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    counter.dials += 1;
    const onward = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    for (const [each, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(each);
      each.on("error", () => other.destroy());
      each.on("close", () => {
        sockets.delete(each);
        other.destroySoon();
      });
      each.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  counter.port = (server.address() as { port: number }).port;
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return counter;
}

export interface LocalAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  rawHeaders: string[];
  trailers: NodeJS.Dict<string>;
  body: string;
}

/** Where a tool asks: a port of this machine, or a socket. */
export function toolOptions({ port, socketPath }: LocalScene): RequestOptions {
  if (socketPath !== undefined) return { socketPath, headers: { Host: "localhost" } };
  return { host: "127.0.0.1", port, headers: { Host: `localhost:${port}` } };
}

/** Asks the proxy as a tool does. */
export function ask(
  scene: LocalScene,
  path: string,
  { headers = {}, ...more }: RequestOptions = {},
  body?: string | Buffer,
): Promise<LocalAnswer> {
  const options = toolOptions(scene);
  const all = { ...(options.headers as object), ...(headers as object) };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...options, path, ...more, headers: all }, (response) => {
      void textOf(response).then(
        (text) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            trailers: response.trailers,
            body: text,
          }),
        reject,
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
