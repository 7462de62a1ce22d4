// Sign-in at an OpenID Provider: authorization code with PKCE S256, state and nonce (OpenID Connect
// Core 3.1). Where the issuer is configured, openid-client speaks the protocol (oidc-issuer.ts);
// where three addresses alone are, oidc-explicit.ts does.
import { calculatePKCECodeChallenge } from "openid-client";
import type { IdentityProvider, OidcConfig } from "../../model/model.ts";
import { randomSecret } from "../secret-values.ts";
import type { OidcClient } from "./oidc-client.ts";
import { explicitClient } from "./oidc-explicit.ts";
import { issuerClient } from "./oidc-issuer.ts";
import type {
  FinishRequest,
  MakeProvider,
  ProviderParts,
  SignInResult,
  Start,
  StartRequest,
} from "./provider.ts";

const defaultScopes = ["openid", "email", "profile"];
const errorLength = 300;

/** Makes the OpenID Provider of a configured object. */
export const openIdConnect: MakeProvider = (settings, parts) => {
  const config = settings.config as OidcConfig;
  const client = clientOf(config, parts);
  return {
    offer: "button",
    start: (request) => start(client, { settings, config, parts, request }),
    finish: (request) => finish(client, request),
  };
};

function clientOf(config: OidcConfig, { now }: ProviderParts): OidcClient {
  const { issuer } = config;
  return issuer === undefined ? explicitClient(config) : issuerClient({ ...config, issuer }, now);
}

async function start(
  client: OidcClient,
  attempt: {
    settings: IdentityProvider;
    config: OidcConfig;
    parts: ProviderParts;
    request: StartRequest;
  },
): Promise<Start> {
  const { settings, config, parts, request } = attempt;
  const secrets = {
    nonce: randomSecret(parts.randomBytes),
    verifier: randomSecret(parts.randomBytes),
  };
  try {
    const parameters = await authorizationParameters(config, request, secrets);
    const url = await client.authorizationUrl(parameters);
    return { ok: true, next: "redirect", url, secrets };
  } catch (error) {
    const detail = String(error).slice(0, errorLength);
    const { rayId: ray } = request.facts;
    parts.record({ event: "provider_unusable", ray, provider: settings.id, error: detail });
    return { ok: false, fault: "provider_unreachable", detail };
  }
}

function finish(client: OidcClient, request: FinishRequest): Promise<SignInResult> {
  const { parameters, redirectUri, state, secrets } = request;
  const { nonce = "", verifier = "" } = secrets;
  return client.redeem({ parameters, redirectUri, state, nonce, verifier });
}

/** The arguments of the authorization request, but for those that name the client. */
async function authorizationParameters(
  config: OidcConfig,
  { state, redirectUri, target }: StartRequest,
  { nonce, verifier }: { nonce: string; verifier: string },
): Promise<Record<string, string>> {
  const scopes = config.scopes ?? defaultScopes;
  const allScopes = scopes.includes("openid") ? scopes : ["openid", ...scopes];
  const parameters: Record<string, string> = {
    redirect_uri: redirectUri,
    response_type: "code",
    scope: allScopes.join(" "),
    state,
    nonce,
  };
  // The provider's own session would bring the same person back.
  if (target.someone_else === true) parameters["prompt"] = "login";
  // Sent to providers that do not know it as well: they ignore it (RFC 7636 section 5).
  if (config.pkce_enabled !== false) {
    parameters["code_challenge"] = await calculatePKCECodeChallenge(verifier);
    parameters["code_challenge_method"] = "S256";
  }
  return parameters;
}
