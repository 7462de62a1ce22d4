// An OpenID Provider that is configured by its three addresses alone, as the Cloudflare API does
// it: no issuer is known, so `iss` cannot be compared. The signature by the keys at `certs_url`,
// the audience, the nonce and the attempt, which names its provider, tie the answer to the question
// instead.
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { OidcConfig } from "../../model/model.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { identityFromClaims } from "./oidc-claims.ts";
import type { OidcAnswer, OidcClient } from "./oidc-client.ts";
import type { SignInFault, SignInResult } from "./provider.ts";

// access-features 6.
const algorithms = ["RS256", "RS512", "PS512", "ES256", "ES384", "ES512"];
const requiredClaims = ["iss", "sub", "exp", "iat", "nonce"];
const toleranceSeconds = 30;
const detailLength = 300;

/** The client of a provider that is configured by its three addresses. */
export function explicitClient(config: OidcConfig): OidcClient {
  const { auth_url = "", certs_url = "" } = config;
  const keys = createRemoteJWKSet(new URL(certs_url), {
    [customFetch]: (url, options) => boundedFetch(url, options as RequestInit),
  });
  return {
    async authorizationUrl(parameters) {
      const url = new URL(auth_url);
      const entries = Object.entries({ client_id: config.client_id, ...parameters });
      for (const [name, value] of entries) url.searchParams.set(name, value);
      return url.toString();
    },
    async redeem(answer) {
      const token = await fetchIdToken(config, answer);
      return token.ok ? verify(config, keys, token.idToken, answer.nonce) : token;
    },
  };
}

/** Exchanges the code for an ID token, which is not verified yet (OpenID Connect Core 3.1.3). */
async function fetchIdToken(
  config: OidcConfig,
  { parameters, redirectUri, verifier }: OidcAnswer,
): Promise<{ ok: true; idToken: string } | Extract<SignInResult, { ok: false }>> {
  const code = parameters.get("code");
  if (parameters.has("error") || code === null)
    return refuse("provider_refused", "the callback holds no code");
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    client_id: config.client_id,
  });
  if (config.client_secret !== undefined) body.set("client_secret", config.client_secret);
  if (config.pkce_enabled !== false) body.set("code_verifier", verifier);
  try {
    const headers = { Accept: "application/json" };
    const response = await boundedFetch(config.token_url ?? "", { method: "POST", headers, body });
    if (response.status !== 200)
      return refuse("answer_invalid", `the token address answers ${response.status}`);
    const { id_token: idToken } = (await response.json()) as { id_token?: unknown };
    if (typeof idToken !== "string")
      return refuse("answer_invalid", "the provider gave no ID token");
    return { ok: true, idToken };
  } catch (error) {
    return unreachable(error);
  }
}

/** OpenID Connect Core 3.1.3.7, but for the issuer, which is not known. */
async function verify(
  config: OidcConfig,
  keys: JWTVerifyGetKey,
  idToken: string,
  nonce: string,
): Promise<SignInResult> {
  try {
    const { payload } = await jwtVerify(idToken, keys, {
      algorithms,
      audience: config.client_id,
      clockTolerance: toleranceSeconds,
      requiredClaims,
    });
    if (payload["nonce"] !== nonce)
      return refuse("answer_invalid", "the nonce is another attempt's");
    if (!isForClient(payload, config.client_id))
      return refuse("answer_invalid", "the ID token was made for another client");
    return identityFromClaims(config, payload);
  } catch (error) {
    if (error instanceof errors.JOSEError) return refuse("answer_invalid", error.code);
    return unreachable(error);
  }
}

/** Steps 4 and 5 of 3.1.3.7: several audiences need an `azp`, and it must be this client. */
function isForClient(claims: JWTPayload, clientId: string): boolean {
  const hasSeveral = Array.isArray(claims.aud) && claims.aud.length > 1;
  const party = claims["azp"];
  if (!hasSeveral && party === undefined) return true;
  return party === clientId;
}

type Refusal = Extract<SignInResult, { ok: false }>;

function refuse(fault: SignInFault, detail: string): Refusal {
  return { ok: false, fault, detail };
}

function unreachable(error: unknown): Refusal {
  const detail = error instanceof Error ? error.message.slice(0, detailLength) : "";
  return refuse("provider_unreachable", detail);
}
