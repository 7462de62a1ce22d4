// An issuer of tokens for programs, as the platforms have one: it signs whatever a test wants, and
// serves its keys over real HTTP or HTTPS, well or badly.
import { type KeyObject, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { testKeyPair } from "../../../../test/support/signing-keys.ts";
import type { Certificate } from "../../../../test/support/tls.ts";

type SigningKey = Parameters<SignJWT["sign"]>[0];
export type Claims = Record<string, unknown>;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface TokenIssuer {
  /** `http://127.0.0.1:<port>`, or https at the host of its certificate */
  issuer: string;
  port: number;
  privateKey: KeyObject;
  /** what `/keys` serves; a test may change it */
  keys: JWK[];
  /** path → another answer than the usual one */
  answers: Record<string, Answer | undefined>;
  /** paths that were asked for, in order */
  requests: string[];
  /** a token with the claims below, and these over them; `undefined` takes one out */
  token(claims?: Claims, header?: Record<string, unknown>, key?: SigningKey): Promise<string>;
  close(): Promise<void>;
}

export const audience = "https://login.example.com";

/** The claims of a job as GitHub writes them, shortened. */
export function jobClaims(issuer: string): Claims {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    sub: "repo:acme/shop:ref:refs/heads/main",
    aud: audience,
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + 300,
    repository: "acme/shop",
    repository_owner: "acme",
    ref: "refs/heads/main",
    environment: "production",
  };
}

/** Starts one. @param options.kid of its first key */
export async function startTokenIssuer(
  context: TestContext,
  options: { kid?: string; secure?: Certificate & { host: string } } = {},
): Promise<TokenIssuer> {
  const { kid = "k1", secure } = options;
  const { privateKey, publicKey } = await testKeyPair();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    made.requests.push(path);
    const answer = made.answers[path] ?? usual[path];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  };
  const server =
    secure === undefined
      ? createServer(listener)
      : createSecureServer(
          { cert: readFileSync(secure.cert_file), key: readFileSync(secure.key_file) },
          listener,
        );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const issuer =
    secure === undefined ? `http://127.0.0.1:${port}` : `https://${secure.host}:${port}`;
  const usual: Record<string, Answer> = {
    "/.well-known/openid-configuration": (_request, response) =>
      json(response, { issuer, jwks_uri: `${issuer}/keys` }),
    "/keys": (_request, response) => json(response, { keys: made.keys }),
  };
  const made: TokenIssuer = {
    issuer,
    port,
    privateKey,
    keys: [{ ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" }],
    answers: {},
    requests: [],
    token: (claims = {}, header = {}, key = privateKey) =>
      new SignJWT({ ...jobClaims(issuer), ...claims })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid, ...header })
        .sign(key),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  context.after(() => made.close());
  return made;
}

/** A pair of another kind than RSA, and its public half as an issuer serves it. */
export async function keyOf(alg: string, kid: string): Promise<{ key: SigningKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

export function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}
