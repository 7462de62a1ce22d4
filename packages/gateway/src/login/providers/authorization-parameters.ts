import { calculatePKCECodeChallenge } from "openid-client";
import type { OidcConfig } from "../../model/model.ts";
import type { RedirectSecrets } from "./identity-provider.ts";

/** The arguments of the authorization request, the same for both ways of being configured. */
export async function authorizationParameters(
  config: OidcConfig,
  redirectUri: string,
  secrets: RedirectSecrets,
  someoneElse: boolean,
): Promise<Record<string, string>> {
  const scopes = config.scopes ?? ["openid", "email", "profile"];
  return {
    redirect_uri: redirectUri,
    response_type: "code",
    scope: (scopes.includes("openid") ? scopes : ["openid", ...scopes]).join(" "),
    state: secrets.state,
    nonce: secrets.nonce,
    // The provider's own session would bring the same person back.
    ...(someoneElse ? { prompt: "login" } : {}),
    // Sent to providers that do not know it as well: they ignore it (RFC 7636 section 5).
    ...(config.pkce_enabled === false
      ? {}
      : {
          code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
          code_challenge_method: "S256",
        }),
  };
}
