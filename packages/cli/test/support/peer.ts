// The other side of the protocol, written from docs/protocol.md: a small gateway that really signs
// tokens, on real sockets. It exists for what no honest gateway does: tests replace single answers
// to see how the command line takes a hostile or broken one. Approving is opening the page, so that
// a "browser" can be a line of shell.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import {
  decodeTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  sealTokens,
} from "@postern/protocol";
import { exportJWK, SignJWT } from "jose";
import { testKeyPair } from "../../../../test/support/signing-keys.ts";
import type { Certificate } from "../../../../test/support/tls.ts";

export interface Seen {
  method: string;
  /** with port */
  host: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Answer = (seen: Seen, response: ServerResponse) => boolean | Promise<boolean>;

export interface Peer {
  port: number;
  requests: Seen[];
  /** asked first; true when it has answered */
  answer: Answer | undefined;
  /** who opens the approval page */
  person: string;
  /** `http://<host>.localhost:<port>`, or `https://<host>.example.test` of a secure peer */
  origin(host: string): string;
  team: string;
  auds: Record<string, string>;
  sign(claims: Record<string, unknown>): Promise<string>;
  appToken(host: string, more?: Record<string, unknown>): Promise<string>;
  orgToken(): Promise<string>;
  metadata(host: string, more?: Record<string, unknown>): Promise<string>;
  /** requests to an application that were not for the gateway itself */
  forwarded(): Seen[];
  /** tokens that the gateway takes; empty means every token that it made */
  revoked: Set<string>;
  close(): Promise<void>;
}

const names = ["app", "other"];

/**
 * @param options.secure makes it `https://….example.test` on port 443, as the world outside is: it
 * is reached through a proxy (proxy.ts), which knows where these names are
 */
export async function startPeer(
  context: TestContext,
  options: { hosts?: string[]; secure?: Certificate } = {},
): Promise<Peer> {
  const hosts = options.hosts ?? names;
  const { privateKey, publicKey } = await testKeyPair();
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256", use: "sig" };
  const waiting = new Map<string, ServerResponse>();
  const arrived = new Map<string, { body: string; key: string }>();
  const listener: RequestListener = (request, response) => {
    void receive(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  };
  const { secure } = options;
  const server =
    secure === undefined
      ? createServer(listener)
      : createSecureServer(
          { cert: readFileSync(secure.cert_file), key: readFileSync(secure.key_file) },
          listener,
        );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const domain = secure === undefined ? "localhost" : "example.test";
  const authority = (host: string) => (secure === undefined ? `${host}:${port}` : host);
  const scheme = secure === undefined ? "http" : "https";
  const seconds = () => Math.floor(Date.now() / 1000);
  const hostOf = (host: string) =>
    host.includes(".") || host === "localhost" ? host : `${host}.${domain}`;
  const auds = Object.fromEntries(
    hosts.map((host) => [hostOf(host), randomBytes(32).toString("hex")]),
  );
  const teamHostname = hostOf("login");
  const team = `${scheme}://${authority(teamHostname)}`;
  let signed = 0;
  // No two tokens are alike, also within one second: one of them may be revoked.
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({ jti: String(signed++), ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "k1", typ: "JWT" })
      .sign(privateKey);
  const times = () => ({ iat: seconds(), nbf: seconds(), exp: seconds() + 3600 });
  const person = () => ({
    iss: team,
    sub: "2f0c1c9e-0f0a-4a53-8f6c-7e3b1a1d9f00",
    email: peer.person,
    identity_nonce: "n1",
    terminal: true,
  });
  const peer: Peer = {
    port,
    requests: [],
    answer: undefined,
    person: "ada@example.com",
    revoked: new Set(),
    origin: (host) => `${scheme}://${authority(hostOf(host))}`,
    team,
    auds,
    sign,
    appToken: (host, more = {}) =>
      sign({
        type: "app",
        aud: [auds[hostOf(host)]],
        country: "XX",
        ...person(),
        ...times(),
        ...more,
      }),
    orgToken: () => sign({ type: "org", aud: ["0".repeat(64)], ...person(), ...times() }),
    metadata: (host, more = {}) =>
      sign({
        type: "match",
        hostname: hostOf(host),
        auth_domain: authority(teamHostname),
        aud: auds[hostOf(host)],
        app_hostname: hostOf(host),
        iat: seconds(),
        transfer_url: `${team}/transfer/`,
        path_scope: "/",
        max_age: 3600,
        ...more,
      }),
    forwarded: () =>
      peer.requests.filter(
        ({ host, url, method }) =>
          host.split(":")[0] !== teamHostname &&
          method !== "HEAD" &&
          !url.includes("/cdn-cgi/access/") &&
          !url.includes("cloudflared_token_check"),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen: Seen = {
      method: request.method ?? "",
      host: request.headers.host ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    peer.requests.push(seen);
    if (peer.answer !== undefined && (await peer.answer(seen, response))) return;
    const name = seen.host.replace(/:\d+$/, "");
    if (name === teamHostname) return teamHost(seen, response);
    if (auds[name] !== undefined) return appHost(name, seen, response);
    response.end("somewhere else");
  }

  function teamHost(seen: Seen, response: ServerResponse): void | Promise<void> {
    const path = seen.url.split("?")[0] ?? "";
    if (path === "/cdn-cgi/access/certs") return json(response, 200, { keys: [jwk] });
    // As a gateway without short addresses (wire-protocol 6.4).
    if (path.startsWith("/transfer/") && seen.method === "POST") return end(response, 405);
    // The terminal confirms that its box has arrived (wire-protocol 6.6).
    if (path.startsWith("/transfer/") && seen.method === "DELETE") return end(response, 204);
    if (path.startsWith("/transfer/")) {
      const key = decodeURIComponent(path.slice("/transfer/".length));
      waiting.set(key, response);
      return deliver(key);
    }
    if (path.startsWith("/cdn-cgi/access/login/")) {
      const app = path.slice("/cdn-cgi/access/login/".length);
      const token = /CF_Authorization=([^;]+)/.exec(seen.headers.cookie ?? "")?.[1];
      if (token === undefined || peer.revoked.has(token)) return end(response, 200);
      response.setHeader(
        "Location",
        `${scheme}://${app}/cdn-cgi/access/authorized?nonce=1&state=1`,
      );
      return end(response, 302);
    }
    if (path === "/cdn-cgi/access/logout") {
      const token = String(seen.headers["cf-access-token"] ?? "");
      const good = token !== "" && !peer.revoked.has(token);
      peer.revoked.add(token);
      return end(response, good ? 204 : 401);
    }
    return end(response, 404);
  }

  async function appHost(name: string, seen: Seen, response: ServerResponse): Promise<void> {
    const url = new URL(seen.url, `${scheme}://${seen.host}`);
    const cookies = [...(seen.headers.cookie ?? "").matchAll(/CF_Authorization=([^;]+)/g)].map(
      (match) => match[1] ?? "",
    );
    const tokens = [
      String(seen.headers["cf-access-token"] ?? ""),
      ...cookies,
      url.searchParams.get("token") ?? "",
    ].filter((token) => token !== "");
    const isProgram =
      seen.headers["cf-access-client-id"] !== undefined &&
      seen.headers["cf-access-client-secret"] !== undefined;
    const good = isProgram || tokens.some((token) => !peer.revoked.has(token));
    if (seen.headers["cf-access-metadata-request"] === "true") {
      response.setHeader("cf-access-metadata", await peer.metadata(name));
      return end(response, 204);
    }
    if (url.pathname === "/cdn-cgi/access/cli") return approve(name, url, response);
    if (url.pathname === "/cdn-cgi/access/authorized") {
      response.setHeader(
        "Set-Cookie",
        `CF_Authorization=${await peer.appToken(name)}; Path=/; HttpOnly; Expires=Fri, 01 Jan 2100 00:00:00 GMT`,
      );
      response.setHeader("Location", "/");
      return end(response, 302);
    }
    if (url.pathname === "/cdn-cgi/access/pass") {
      if (!good) return end(response, 401);
      const { url_prefix } = JSON.parse(seen.body) as { url_prefix: string };
      const token = await sign({
        type: "pass",
        htu: url_prefix,
        iss: team,
        aud: [auds[name]],
        sub: "x",
        identity_nonce: "n1",
        ...times(),
      });
      return json(response, 200, {
        token,
        expires_at: new Date(Date.now() + 600_000).toISOString(),
      });
    }
    if (url.pathname === "/cdn-cgi/access/get-identity")
      return good
        ? json(response, 200, { email: peer.person, name: "Ada", groups: ["engineers"] })
        : end(response, 401);
    if (url.searchParams.has("cloudflared_token_check"))
      return end(
        response,
        good ? 204 : 302,
        good ? undefined : `${team}/cdn-cgi/access/login/${seen.host}`,
      );
    if (good) {
      response.end(`hello from ${name}\n`);
      return;
    }
    response.setHeader("Set-Cookie", "CF_AppSession=s1; Path=/; HttpOnly");
    return end(response, 302, `${team}/cdn-cgi/access/login/${seen.host}?kid=${auds[name]}`);
  }

  /** The person opens the page and clicks Approve. */
  async function approve(name: string, url: URL, response: ServerResponse): Promise<void> {
    const key = url.searchParams.get("token") ?? "";
    const from = generateTransferKeyPair();
    const tokens = { app_token: await peer.appToken(name), org_token: await peer.orgToken() };
    arrived.set(key, {
      body: sealTokens(tokens, from, decodeTransferKey(key)),
      key: encodeTransferKey(from.publicKey),
    });
    deliver(key);
    response.end("approved\n");
  }

  function deliver(key: string): void {
    const box = arrived.get(key);
    const poll = waiting.get(key);
    if (box === undefined || poll === undefined) return;
    arrived.delete(key);
    waiting.delete(key);
    poll.setHeader("service-public-key", box.key);
    poll.end(box.body);
  }

  context.after(() => peer.close());
  return peer;
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(value));
}

export function end(response: ServerResponse, status: number, location?: string): void {
  response.statusCode = status;
  if (location !== undefined) response.setHeader("Location", location);
  response.end();
}
