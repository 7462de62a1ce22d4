// An OpenID Provider whose issuer is configured, with discovery or with its addresses stated.
// openid-client speaks the protocol: it verifies the ID token's signature, issuer, audience and
// times. What it fetches is bounded here.
import * as openid from "openid-client";
import type { Clock } from "../../clock.ts";
import type { OidcConfig } from "../../model/model.ts";
import { boundedFetch, mayFetch } from "./bounded-fetch.ts";
import { identityFromClaims, isIncomplete } from "./oidc-claims.ts";
import type { OidcAnswer, OidcClient } from "./oidc-client.ts";
import type { SignInFault, SignInResult } from "./provider.ts";

type IssuerConfig = OidcConfig & { issuer: string };

const discoveryLifeMs = 60 * 60_000;
const detailLength = 300;

/** The client of a provider whose issuer is configured. */
export function issuerClient(config: IssuerConfig, now: Clock): OidcClient {
  const configuration = cached(() => configure(config), discoveryLifeMs, now);
  return {
    async authorizationUrl(parameters) {
      return openid.buildAuthorizationUrl(await configuration(), parameters).toString();
    },
    redeem: (answer) => redeem(config, configuration, answer),
  };
}

async function redeem(
  config: IssuerConfig,
  configuration: () => Promise<openid.Configuration>,
  answer: OidcAnswer,
): Promise<SignInResult> {
  let provider: openid.Configuration;
  try {
    provider = await configuration();
  } catch (error) {
    return { ok: false, fault: "provider_unreachable", detail: describe(error) };
  }
  try {
    return identityFromClaims(config, await claimsOf(config, provider, answer));
  } catch (error) {
    return { ok: false, fault: faultOf(error), detail: describe(error) };
  }
}

/** Learns how to speak with the provider, from its discovery document or the configuration. */
async function configure(config: IssuerConfig): Promise<openid.Configuration> {
  const { client_id, client_secret, auth_url, token_url, certs_url } = config;
  const issuer = new URL(config.issuer);
  const extensions = [openid.enableNonRepudiationChecks];
  // boundedFetch decides address by address: a discovery document may not lead from https to http.
  if (issuer.protocol === "http:" && mayFetch(issuer))
    extensions.push(openid.allowInsecureRequests);
  const customFetch = boundedFetch as openid.CustomFetch;
  if (auth_url === undefined || token_url === undefined || certs_url === undefined) {
    return openid.discovery(issuer, client_id, client_secret, undefined, {
      [openid.customFetch]: customFetch,
      timeout: 10,
      execute: extensions,
    });
  }
  const metadata = {
    issuer: config.issuer,
    authorization_endpoint: auth_url,
    token_endpoint: token_url,
    jwks_uri: certs_url,
  };
  const configuration = new openid.Configuration(metadata, client_id, client_secret);
  configuration[openid.customFetch] = customFetch;
  for (const extend of extensions) extend(configuration);
  return configuration;
}

/** The claims of the ID token, completed by the userinfo endpoint where that is needed. */
async function claimsOf(
  config: OidcConfig,
  provider: openid.Configuration,
  { parameters, redirectUri, state, nonce, verifier }: OidcAnswer,
): Promise<Record<string, unknown>> {
  const checks: openid.AuthorizationCodeGrantChecks = {
    expectedState: state,
    expectedNonce: nonce,
  };
  if (config.pkce_enabled !== false) checks.pkceCodeVerifier = verifier;
  const callback = new URL(`${redirectUri}?${parameters}`);
  const tokens = await openid.authorizationCodeGrant(provider, callback, checks);
  const claims = tokens.claims();
  if (claims === undefined) throw new Error("the provider gave no ID token");
  const { userinfo_endpoint } = provider.serverMetadata();
  if (userinfo_endpoint === undefined || !isIncomplete(config, claims)) return claims;
  const userInfo = await openid.fetchUserInfo(provider, tokens.access_token, claims.sub);
  // The ID token is signed and wins where both speak.
  return { ...userInfo, ...claims };
}

function faultOf(error: unknown): SignInFault {
  if (error instanceof openid.AuthorizationResponseError) return "provider_refused";
  const isNetwork = error instanceof TypeError && error.message === "fetch failed";
  const isTimeout = error instanceof Error && error.name === "TimeoutError";
  return isNetwork || isTimeout ? "provider_unreachable" : "answer_invalid";
}

/** The error for the log: codes and our own words. The provider's may hold anything. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const code: unknown = (error as { code?: unknown }).code;
  const name = typeof code === "string" ? `${error.name} ${code}` : error.name;
  return `${name}: ${error.message}`.slice(0, detailLength);
}

/** Makes a value once and keeps it for `lifeMs`. A failure is not kept. */
function cached<Value>(
  make: () => Promise<Value>,
  lifeMs: number,
  now: Clock,
): () => Promise<Value> {
  let entry: { value: Promise<Value>; expiresAt: number } | undefined;
  return () => {
    if (entry !== undefined && now() < entry.expiresAt) return entry.value;
    const fresh = { value: make(), expiresAt: now() + lifeMs };
    entry = fresh;
    fresh.value.catch(() => {
      if (entry === fresh) entry = undefined;
    });
    return fresh.value;
  };
}
