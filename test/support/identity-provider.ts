// A real OpenID Provider (oidc-provider) in this process, on a free port of 127.0.0.1. Its one page
// asks for the name of an account and has a button `Continue`; everything else is the protocol as
// that library speaks it.
import type { KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { testKeyPair } from "./signing-keys.ts";

/** The claims of one account; `sub` is its name. */
export type Account = Record<string, unknown>;

export interface IdentityProviderServer {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** what a configuration without discovery states */
  urls: { auth_url: string; token_url: string; certs_url: string };
  /** name → claims; change it at any time */
  accounts: Map<string, Account>;
  /** request lines that arrived */
  requests: string[];
  close(): Promise<void>;
}

export interface IdentityProviderOptions {
  /** the gateway's callback */
  redirectUri: string;
  accounts: Record<string, Account>;
  /** puts the claims into the ID token and not only into the userinfo answer */
  claimsInIdToken?: boolean;
  /** changes an answer of the provider before it is sent: a provider gone wrong */
  tamper?: (path: string, body: string) => string;
}

export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<IdentityProviderServer> {
  const accounts = new Map(Object.entries(options.accounts));
  const requests: string[] = [];
  const client = {
    client_id: "postern",
    client_secret: "the-secret-of-the-test-client",
    redirect_uris: [options.redirectUri],
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handle(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await testKeyPair();
  const provider = new Provider(
    issuer,
    configuration(privateKey, client, accounts, options.claimsInIdToken === true),
  );
  const callback = provider.callback();

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith("/interaction/")) {
      interact(provider, accounts, request, response).catch((error) =>
        response.writeHead(500).end(String(error)),
      );
      return;
    }
    if (options.tamper !== undefined)
      rewriteBody(
        response,
        (body) => options.tamper?.((request.url ?? "").split("?")[0] ?? "", body) ?? body,
      );
    callback(request, response);
  }

  return {
    issuer,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    urls: { auth_url: `${issuer}/auth`, token_url: `${issuer}/token`, certs_url: `${issuer}/jwks` },
    accounts,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function configuration(
  privateKey: KeyObject,
  client: Record<string, unknown>,
  accounts: Map<string, Account>,
  claimsInIdToken: boolean,
): Record<string, unknown> {
  const key = {
    ...privateKey.export({ format: "jwk" }),
    use: "sig",
    alg: "RS256",
  };
  const hour = 3_600;
  return {
    clients: [{ ...client, token_endpoint_auth_method: "client_secret_post" }],
    jwks: { keys: [key] },
    cookies: { keys: ["a key for the tests' own cookies"] },
    features: { devInteractions: { enabled: false } },
    scopes: ["openid", "email", "profile", "groups"],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "department"],
      groups: ["groups"],
    },
    conformIdTokenClaims: !claimsInIdToken,
    pkce: { required: () => true },
    ttl: {
      AccessToken: hour,
      AuthorizationCode: 60,
      IdToken: hour,
      Interaction: hour,
      Session: hour,
      Grant: hour,
    },
    interactions: {
      url: (_: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}`,
    },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, ...accounts.get(sub) }),
    }),
  };
}

async function interact(
  provider: Provider,
  accounts: Map<string, Account>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Test provider</title><h1>Who are you?</h1>
<form method="post" action="/interaction/${details.uid}"><label>Account <input name="account"></label>
<button>Continue</button><button name="cancel" value="1">Cancel</button></form>`);
    return;
  }
  const form = new URLSearchParams(await bodyOf(request));
  const name = form.get("account") ?? "";
  if (form.has("cancel") || !accounts.has(name)) {
    const description = "<script>alert('the person said no')</script>";
    await provider.interactionFinished(request, response, {
      error: "access_denied",
      error_description: description,
    });
    return;
  }
  const grant = new provider.Grant({
    accountId: name,
    clientId: String(details.params["client_id"]),
  });
  grant.addOIDCScope("openid email profile groups");
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, {
    login: { accountId: name },
    consent: { grantId },
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Gathers what is written and sends what `change` makes of it. */
function rewriteBody(response: ServerResponse, change: (body: string) => string): void {
  const end = response.end.bind(response);
  response.end = ((chunk?: unknown) => {
    if (typeof chunk !== "string" && !Buffer.isBuffer(chunk)) return end();
    const body = change(chunk.toString());
    response.setHeader("Content-Length", Buffer.byteLength(body));
    return end(body);
  }) as typeof response.end;
}
