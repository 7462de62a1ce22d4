// An OpenID Provider that is configured by its three addresses alone, as the Cloudflare API does
// it: no issuer is known, so `iss` cannot be compared. The signature by the keys at `certs_url`,
// the audience, the nonce and the attempt, which names its provider, tie the answer to the question
// instead.
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import type { OidcConfig } from "../../model/model.ts";
import { authorizationParameters } from "./authorization-parameters.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import { identityFromClaims } from "./claims.ts";
import type { RedirectProvider, SignInResult } from "./identity-provider.ts";

// access-features 6.
const algorithms = ["RS256", "RS512", "PS512", "ES256", "ES384", "ES512"];

export function explicitOidcProvider(config: OidcConfig): RedirectProvider {
  const { auth_url = "", token_url = "", certs_url = "" } = config;
  const keys = createRemoteJWKSet(new URL(certs_url), {
    [customFetch]: (url, options) => boundedFetch(url, options as RequestInit),
  });
  return {
    async begin({ redirectUri, secrets, someoneElse }) {
      const url = new URL(auth_url);
      url.searchParams.set("client_id", config.client_id);
      for (const [name, value] of Object.entries(
        await authorizationParameters(config, redirectUri, secrets, someoneElse),
      )) {
        url.searchParams.set(name, value);
      }
      return url.toString();
    },
    async finish({ redirectUri, secrets, query }): Promise<SignInResult> {
      const answer = new URLSearchParams(query);
      const code = answer.get("code");
      if (answer.has("error") || code === null)
        return { ok: false, fault: "provider_refused", detail: "the callback holds no code" };
      const form = {
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        client_id: config.client_id,
        ...(config.client_secret === undefined ? {} : { client_secret: config.client_secret }),
        ...(config.pkce_enabled === false ? {} : { code_verifier: secrets.verifier }),
      };
      let idToken: unknown;
      try {
        const response = await boundedFetch(token_url, {
          method: "POST",
          headers: { Accept: "application/json" },
          body: new URLSearchParams(form),
        });
        if (response.status !== 200)
          return {
            ok: false,
            fault: "answer_invalid",
            detail: `the token address answers ${response.status}`,
          };
        idToken = ((await response.json()) as { id_token?: unknown }).id_token;
      } catch (error) {
        return {
          ok: false,
          fault: "provider_unreachable",
          detail: error instanceof Error ? error.message.slice(0, 300) : "",
        };
      }
      return verify(idToken, secrets.nonce);
    },
  };

  async function verify(idToken: unknown, nonce: string): Promise<SignInResult> {
    if (typeof idToken !== "string")
      return { ok: false, fault: "answer_invalid", detail: "the provider gave no ID token" };
    try {
      const { payload } = await jwtVerify(idToken, keys, {
        algorithms,
        audience: config.client_id,
        clockTolerance: 30,
        requiredClaims: ["iss", "sub", "exp", "iat", "nonce"],
      });
      if (payload["nonce"] !== nonce)
        return { ok: false, fault: "answer_invalid", detail: "the nonce is another attempt's" };
      if (!isForUs(payload))
        return {
          ok: false,
          fault: "answer_invalid",
          detail: "the ID token was made for another client",
        };
      return identityFromClaims(config, payload);
    } catch (error) {
      if (error instanceof errors.JOSEError)
        return { ok: false, fault: "answer_invalid", detail: error.code };
      return {
        ok: false,
        fault: "provider_unreachable",
        detail: error instanceof Error ? error.message.slice(0, 300) : "",
      };
    }
  }

  /**
   * OpenID Connect Core 3.1.3.7, steps 4 and 5: several audiences need an `azp`, and it must be us.
   */
  function isForUs(claims: JWTPayload): boolean {
    const several = Array.isArray(claims.aud) && claims.aud.length > 1;
    return several || claims["azp"] !== undefined ? claims["azp"] === config.client_id : true;
  }
}
