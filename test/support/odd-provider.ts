// An OpenID Provider that answers as some real ones do, where oidc-provider cannot be made to: by
// default it signs everybody in as Ada without asking, and each of its answers can be another one.
import { createHmac, createPublicKey, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { testKeyPair } from "./signing-keys.ts";

export type Claims = Record<string, unknown>;
type Answer = (request: ReceivedRequest, response: ServerResponse) => unknown;

export interface ReceivedRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: URLSearchParams;
}

export interface OddProviderOptions {
  /** added to the discovery document; `undefined` takes a field out */
  metadata?: Claims;
  /** added to the ID token; `undefined` takes a claim out */
  idToken?: Claims;
  /** what the userinfo endpoint states */
  userInfo?: Claims;
  /** path → another answer than the usual one */
  answers?: Record<string, Answer>;
  /** PEM: serves https */
  tls?: { cert: string; key: string; host: string };
}

export interface OddProvider {
  origin: string;
  urls: { auth_url: string; token_url: string; certs_url: string };
  /** may be changed at any time */
  options: OddProviderOptions;
  /** everything that was asked, in order */
  requests: ReceivedRequest[];
  /** the requests for one path */
  to(path: string): ReceivedRequest[];
  /** a JWT signed by the provider's key, or by another one */
  signed(claims: Claims, key?: KeyObject): string;
  close(): Promise<void>;
}

export const clientSecret = "the~secret-of.the/odd client";

export async function startOddProvider(options: OddProviderOptions = {}): Promise<OddProvider> {
  const { privateKey } = await testKeyPair();
  const requests: ReceivedRequest[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    receive(request)
      .then((received) => {
        requests.push(received);
        const answer = provider.options.answers?.[received.path] ?? usual[received.path];
        if (answer === undefined) return response.writeHead(404).end();
        return answer(received, response);
      })
      .catch(() => response.destroy());
  };
  const { tls } = options;
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const scheme = tls === undefined ? "http" : "https";
  const { port } = server.address() as AddressInfo;
  const origin = `${scheme}://${tls?.host ?? "127.0.0.1"}:${port}`;
  const provider: OddProvider = {
    origin,
    urls: {
      auth_url: `${origin}/authorize`,
      token_url: `${origin}/token`,
      certs_url: `${origin}/keys`,
    },
    options,
    requests,
    to: (path) => requests.filter((each) => each.path === path),
    signed: (claims, key = privateKey) => signedToken(key, claims),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const usual = usualAnswers(provider, privateKey);
  return provider;
}

function usualAnswers(provider: OddProvider, privateKey: KeyObject): Record<string, Answer> {
  const { origin, options } = provider;
  const nonces = new Map<string, string>();
  return {
    "/.well-known/openid-configuration": (_request, response) =>
      json(response, 200, {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/keys`,
        userinfo_endpoint: `${origin}/userinfo`,
        ...options.metadata,
      }),
    "/authorize": ({ query }, response) => {
      const code = `code-${nonces.size}-of-the-odd-provider`;
      nonces.set(code, query.get("nonce") ?? "");
      const back = new URL(query.get("redirect_uri") ?? "");
      back.search = new URLSearchParams({ code, state: query.get("state") ?? "" }).toString();
      response.writeHead(302, { location: back.href }).end();
    },
    "/token": ({ body }, response) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: origin,
        sub: "ada",
        aud: "postern",
        iat: now,
        exp: now + 3600,
        nonce: nonces.get(body.get("code") ?? ""),
        email: "ada@example.com",
        ...options.idToken,
      };
      json(response, 200, {
        access_token: "the-access-token",
        token_type: "Bearer",
        id_token: signedToken(privateKey, claims),
      });
    },
    "/keys": (_request, response) => {
      const key = createPublicKey(privateKey).export({ format: "jwk" });
      json(response, 200, { keys: [{ ...key, kid: "k", use: "sig", alg: "RS256" }] });
    },
    "/userinfo": (_request, response) => json(response, 200, { sub: "ada", ...options.userInfo }),
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Answers with anything. */
export function answer(status: number, type: string, body: string, headers = {}): Answer {
  return (_request, response) =>
    response.writeHead(status, { "content-type": type, ...headers }).end(body);
}

/** Never answers. */
export const silence: Answer = () => undefined;

/** Cuts the connection. */
export const hangUp: Answer = (_request, response) => response.destroy();

/** Whether the HMAC of a `client_secret_jwt` assertion is that of the secret. */
export function isSignedWith(secret: string, assertion: string): boolean {
  const [header, claims, signature] = assertion.split(".");
  const mac = createHmac("sha256", secret).update(`${header}.${claims}`).digest("base64url");
  return mac === signature;
}

function signedToken(key: KeyObject, claims: Claims): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part({ alg: "RS256", kid: "k", typ: "JWT" })}.${part(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? "", "http://provider.invalid");
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: new URLSearchParams(Buffer.concat(chunks).toString()),
  };
}
