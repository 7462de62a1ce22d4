// Sign-in at an OpenID Provider: authorization code with PKCE S256, state and nonce; the ID token's
// signature, issuer, audience and times are verified. openid-client speaks the protocol; what it
// fetches is bounded here.
import * as client from "openid-client";
import type { Clock } from "../../clock.ts";
import type { OidcConfig } from "../../model/model.ts";
import { authorizationParameters } from "./authorization-parameters.ts";
import { boundedFetch, mayFetch } from "./bounded-fetch.ts";
import { identityFromClaims, isIncomplete } from "./claims.ts";
import type { RedirectProvider, RedirectSecrets, SignInResult } from "./identity-provider.ts";

const discoveryLifeMs = 60 * 60_000;

/**
 * A provider whose issuer is known, with discovery or with its addresses stated; `oidc-explicit.ts`
 * has the others.
 */
export function oidcProvider(
  config: OidcConfig & { issuer: string },
  now: Clock,
): RedirectProvider {
  const { issuer } = config;
  const configuration = remembered(() => configure(config, issuer), now);
  return {
    async begin({ redirectUri, secrets, someoneElse }) {
      return client
        .buildAuthorizationUrl(
          await configuration(),
          await authorizationParameters(config, redirectUri, secrets, someoneElse),
        )
        .toString();
    },
    async finish({ redirectUri, secrets, query }): Promise<SignInResult> {
      let ready: client.Configuration;
      try {
        ready = await configuration();
      } catch (error) {
        return { ok: false, fault: "provider_unreachable", detail: describe(error) };
      }
      try {
        const claims = await exchange(config, ready, redirectUri, secrets, query);
        return identityFromClaims(config, claims);
      } catch (error) {
        return { ok: false, fault: faultOf(error), detail: describe(error) };
      }
    },
  };
}

async function configure(config: OidcConfig, issuer: string): Promise<client.Configuration> {
  const server = new URL(issuer);
  const execute = [client.enableNonRepudiationChecks];
  // boundedFetch decides address by address: a discovery document may not lead from https to http.
  if (server.protocol === "http:" && mayFetch(server)) execute.push(client.allowInsecureRequests);
  const options = {
    [client.customFetch]: boundedFetch as client.CustomFetch,
    timeout: 10,
    execute,
  };
  const { auth_url, token_url, certs_url } = config;
  if (auth_url === undefined || token_url === undefined || certs_url === undefined) {
    return client.discovery(server, config.client_id, config.client_secret, undefined, options);
  }
  const metadata = {
    issuer,
    authorization_endpoint: auth_url,
    token_endpoint: token_url,
    jwks_uri: certs_url,
  };
  const configuration = new client.Configuration(metadata, config.client_id, config.client_secret);
  configuration[client.customFetch] = options[client.customFetch];
  for (const extension of execute) extension(configuration);
  return configuration;
}

async function exchange(
  config: OidcConfig,
  ready: client.Configuration,
  redirectUri: string,
  secrets: RedirectSecrets,
  query: string,
): Promise<Record<string, unknown>> {
  const tokens = await client.authorizationCodeGrant(ready, new URL(`${redirectUri}?${query}`), {
    expectedState: secrets.state,
    expectedNonce: secrets.nonce,
    ...(config.pkce_enabled === false ? {} : { pkceCodeVerifier: secrets.verifier }),
  });
  const claims = tokens.claims();
  if (claims === undefined) throw new Error("the provider gave no ID token");
  const userinfo = ready.serverMetadata().userinfo_endpoint;
  if (userinfo === undefined || !isIncomplete(config, claims)) return claims;
  // The ID token is signed and wins where both speak.
  return { ...(await client.fetchUserInfo(ready, tokens.access_token, claims.sub)), ...claims };
}

function faultOf(error: unknown): "provider_refused" | "provider_unreachable" | "answer_invalid" {
  if (error instanceof client.AuthorizationResponseError) return "provider_refused";
  const network = error instanceof TypeError && error.message === "fetch failed";
  return network || (error instanceof Error && error.name === "TimeoutError")
    ? "provider_unreachable"
    : "answer_invalid";
}

/** For the log: codes and our own words; the provider's may hold anything. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const code = (error as { code?: unknown }).code;
  return `${error.name}${typeof code === "string" ? ` ${code}` : ""}: ${error.message}`.slice(
    0,
    300,
  );
}

/** Keeps what was made for an hour, and no failure. */
function remembered<T>(make: () => Promise<T>, now: Clock): () => Promise<T> {
  let kept: { value: Promise<T>; until: number } | undefined;
  return () => {
    if (kept !== undefined && now() < kept.until) return kept.value;
    const value = make();
    const made = { value, until: now() + discoveryLifeMs };
    kept = made;
    value.catch(() => {
      if (kept === made) kept = undefined;
    });
    return value;
  };
}
