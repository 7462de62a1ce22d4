// An OpenID Provider that is configured by its three addresses alone, as the Cloudflare API does
// it: no issuer is known, so `iss` cannot be compared. The signature by the keys at `certs_url`,
// the audience, the nonce and the attempt, which names its provider, tie the answer to the question
// instead.
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import { AuthorizationResponseError, type ServerMetadata } from "openid-client";
import { boundedFetch, type ProviderFetch, ProviderFetchError } from "../../bounded-fetch.ts";
import type { Clock } from "../../clock.ts";
import type { OidcConfig } from "../../model/model.ts";
import { clientAuthentication, clientAuthMethod } from "./client-authentication.ts";
import { clockFault, clockWarning } from "./clock-difference.ts";
import { differenceText } from "./failure-words.ts";
import { identityFromClaims } from "./oidc-claims.ts";
import { clockTolerance, type OidcAnswer, type OidcClient, timeoutOf } from "./oidc-client.ts";
import type { SignInFailure, SignInResult } from "./provider.ts";
import { failure, failureOf } from "./provider-failure.ts";

// access-features 6.
const algorithms = ["RS256", "RS512", "PS512", "ES256", "ES384", "ES512"];
const requiredClaims = ["iss", "sub", "exp", "iat", "nonce"];
/** Without discovery nothing says what the provider takes; this is what the API's clients send. */
const offeredMethods = ["client_secret_post"];

type Keys = ReturnType<typeof createRemoteJWKSet>;

interface Client {
  config: OidcConfig;
  fetch: ProviderFetch;
  keys: Keys;
  now: Clock;
}

/** The client of a provider that is configured by its three addresses. */
export function explicitClient(config: OidcConfig, now: Clock): OidcClient {
  const fetch = boundedFetch(timeoutOf(config));
  const { auth_url = "", certs_url = "" } = config;
  const keys = createRemoteJWKSet(new URL(certs_url), {
    [customFetch]: (url, options) => fetchKeys(fetch, url, options as RequestInit),
  });
  const client = { config, fetch, keys, now };
  return {
    async authorizationUrl(parameters) {
      const url = new URL(auth_url);
      const entries = Object.entries({ client_id: config.client_id, ...parameters });
      for (const [name, value] of entries) url.searchParams.set(name, value);
      return { ok: true, url: url.toString() };
    },
    async redeem(answer) {
      const token = await fetchIdToken(client, answer);
      return token.ok ? verify(client, token.idToken, answer) : token;
    },
    async check() {
      const exchange = { url: certs_url, secrets: [] };
      return keys.reload().then(
        () => undefined,
        (error) => failureOf(error, exchange),
      );
    },
  };
}

/** @throws {ProviderFetchError} when there are no keys at the address */
async function fetchKeys(
  fetch: ProviderFetch,
  address: string,
  options: RequestInit,
): Promise<Response> {
  const response = await fetch(address, options);
  if (response.status === 200) return response;
  const fault = response.status >= 500 ? "unreachable" : "unusable";
  const message = `the request for the provider's keys was answered with status ${response.status}`;
  throw new ProviderFetchError(fault, new URL(address), message);
}

/** Exchanges the code for an ID token, which is not verified yet (OpenID Connect Core 3.1.3). */
async function fetchIdToken(
  { config, fetch }: Client,
  answer: OidcAnswer,
): Promise<{ ok: true; idToken: string } | SignInFailure> {
  const { parameters, redirectUri, verifier } = answer;
  const { client_id, token_url = "" } = config;
  const exchange = { url: token_url, secrets: secretsOf(config, answer) };
  const code = parameters.get("code");
  if (parameters.has("error")) {
    const refusal = new AuthorizationResponseError("the provider answered with an error", {
      cause: parameters,
    });
    return failureOf(refusal, { ...exchange, url: undefined });
  }
  if (code === null) return failure("answer_invalid", "the callback has no code");

  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
  });
  if (config.pkce_enabled !== false) body.set("code_verifier", verifier);
  try {
    const headers = new Headers({ Accept: "application/json" });
    const server: ServerMetadata = {
      issuer: token_url,
      token_endpoint: token_url,
      token_endpoint_auth_methods_supported: offeredMethods,
    };
    await clientAuthentication(config)(server, { client_id }, body, headers);
    const response = await fetch(token_url, { method: "POST", headers, body });
    if (response.status !== 200)
      return refusedExchange(config, await failureOf(unexpected(response), exchange));
    const { id_token: idToken } = (await response.json()) as { id_token?: unknown };
    if (typeof idToken === "string") return { ok: true, idToken };
    return failure("answer_invalid", "the provider sent no ID token", { url: token_url });
  } catch (error) {
    return failureOf(error, exchange);
  }
}

function unexpected(response: Response): Error {
  return new Error(`the token endpoint answered with status ${response.status}`, {
    cause: response,
  });
}

function refusedExchange(config: OidcConfig, failed: SignInFailure): SignInFailure {
  const { oauth_error, status } = failed.report ?? {};
  if (oauth_error !== "invalid_client" && status !== 401) return failed;
  const method = clientAuthMethod(config, offeredMethods);
  const detail = `the provider does not accept this client, which authenticated with ${method}: check client_id and its secret or key, or set another token_endpoint_auth_method`;
  return { ...failed, detail: `${detail} (${failed.detail})` };
}

/** OpenID Connect Core 3.1.3.7, but for the issuer, which is not known. */
async function verify(
  { config, keys, now }: Client,
  idToken: string,
  answer: OidcAnswer,
): Promise<SignInResult> {
  try {
    const { payload } = await jwtVerify(idToken, keys, {
      algorithms,
      audience: config.client_id,
      clockTolerance,
      requiredClaims,
    });
    if (payload["nonce"] !== answer.nonce)
      return failure("answer_invalid", "the nonce belongs to another sign-in", { claim: "nonce" });
    if (!isForClient(payload, config.client_id))
      return failure("answer_invalid", "the ID token was issued for another client", {
        claim: "azp",
        expected: config.client_id,
        received: String(payload["azp"]),
      });
    const fault = clockFault(payload, now());
    if (fault !== undefined) return fault;
    const warning = clockWarning(payload, now());
    if (warning !== undefined) answer.warn(warning);
    return identityFromClaims(config, { idToken: payload, userInfo: { kind: "none" } }, answer);
  } catch (error) {
    if (error instanceof errors.JOSEError) return joseFailure(error, config, now());
    const exchange = { url: config.certs_url, secrets: secretsOf(config, answer) };
    return failureOf(error, exchange);
  }
}

/** Steps 4 and 5 of 3.1.3.7: several audiences need an `azp`, and it must be this client. */
function isForClient(claims: JWTPayload, clientId: string): boolean {
  const hasSeveral = Array.isArray(claims.aud) && claims.aud.length > 1;
  const party = claims["azp"];
  if (!hasSeveral && party === undefined) return true;
  return party === clientId;
}

/** An ID token that does not verify, in the words of jose. */
function joseFailure(error: errors.JOSEError, config: OidcConfig, now: number): SignInFailure {
  const { code } = error;
  if (!(error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired))
    return failure("answer_invalid", `${code}: ${error.message}`);
  const { claim, payload } = error;
  if (claim === "nbf" || claim === "exp") {
    const start = claim === "nbf" ? payload.nbf : payload.iat;
    const ahead = (start ?? 0) - Math.floor(now / 1000);
    return failure("provider_misconfigured", `${claim}: ${differenceText(ahead)}`, { claim });
  }
  if (claim !== "aud") return failure("answer_invalid", error.message, { claim });
  const received = JSON.stringify(payload.aud ?? "").slice(0, 200);
  return failure("answer_invalid", error.message, { claim, expected: config.client_id, received });
}

/** What no log may hold. */
function secretsOf(config: OidcConfig, answer: OidcAnswer): (string | undefined)[] {
  const { parameters, nonce, state, verifier } = answer;
  const code = parameters.get("code") ?? undefined;
  return [config.client_secret, config.private_key, code, nonce, state, verifier];
}
