// Sign-in at an OpenID Provider: authorization code with PKCE S256, state and nonce (OpenID Connect
// Core 3.1). Where the issuer is configured, openid-client speaks the protocol (oidc-issuer.ts);
// where three addresses alone are, oidc-explicit.ts does.
import { calculatePKCECodeChallenge } from "openid-client";
import type { Catalog } from "../../catalog/catalog.ts";
import { isGroupsClaim } from "../../model/claim-path.ts";
import type { IdentityProvider, OidcConfig, RuleSet } from "../../model/model.ts";
import { isMap } from "../../model/read-value.ts";
import { networkOf } from "../../network.ts";
import type { NetworkRates } from "../../network-budget.ts";
import { requestFields } from "../login-context.ts";
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
import { failure } from "./provider-failure.ts";

/**
 * Answers that providers are asked about. Anybody can make up a code for an attempt of their own,
 * again and again, and providers turn a client away that asks too often: everybody's sign-in. An
 * office where all sign in at nine fits in.
 */
export const answerRates: NetworkRates = {
  perNetwork: { burst: 300, perSecond: 2 },
  inAll: { burst: 2_000, perSecond: 20 },
  reserve: { burst: 500, perSecond: 10 },
};

const defaultScopes = ["openid", "email", "profile"];

/** Makes the OpenID Provider of a configured object. */
export const openIdConnect: MakeProvider = (settings, parts) => {
  const config = settings.config as OidcConfig;
  const client = timed(clientOf(config, parts), settings.id, parts);
  return {
    offer: "button",
    start: (request) => start(client, { config, parts, request }),
    finish: (request) => finish(client, { settings, parts, request }),
    check: () => client.check(),
  };
};

function clientOf(config: OidcConfig, { now, elapsed }: ProviderParts): OidcClient {
  const { issuer } = config;
  return issuer === undefined
    ? explicitClient(config, now)
    : issuerClient({ ...config, issuer }, { now, elapsed });
}

/** The same client: how long the provider takes to vouch for somebody is told. */
function timed(client: OidcClient, provider: string, parts: ProviderParts): OidcClient {
  const { elapsed, record } = parts;
  return {
    ...client,
    async redeem(answer) {
      const begin = elapsed();
      try {
        return await client.redeem(answer);
      } finally {
        record({ event: "provider_asked", provider, ms: elapsed() - begin });
      }
    },
  };
}

async function start(
  client: OidcClient,
  attempt: { config: OidcConfig; parts: ProviderParts; request: StartRequest },
): Promise<Start> {
  const { config, parts, request } = attempt;
  const secrets = {
    nonce: randomSecret(parts.randomBytes),
    verifier: randomSecret(parts.randomBytes),
  };
  const parameters = await authorizationParameters(config, request, secrets);
  const target = await client.authorizationUrl(parameters);
  if (!target.ok) return target;
  return { ok: true, next: "redirect", url: target.url, secrets };
}

async function finish(
  client: OidcClient,
  attempt: { settings: IdentityProvider; parts: ProviderParts; request: FinishRequest },
): Promise<SignInResult> {
  const { settings, parts, request } = attempt;
  const { parameters, redirectUri, state, secrets, facts } = request;
  if (!(await parts.limits.take("provider_answers", networkOf(facts.clientIp))))
    return failure(
      "too_many_answers",
      "too many sign-ins from this network; the provider was not asked about this one",
    );

  const { nonce = "", verifier = "" } = secrets;
  const fields = {
    event: "sign_in_warning",
    ...requestFields(facts),
    provider: settings.id,
  } as const;
  return client.redeem({
    parameters,
    redirectUri,
    state,
    nonce,
    verifier,
    usesGroups: usesGroupsOf(facts.catalog, settings.id),
    warn: (warning) => parts.record({ ...fields, ...warning }),
  });
}

/** Whether a rule in force is about the groups that a provider states. */
function usesGroupsOf({ applications, groups }: Catalog, providerId: string): boolean {
  for (const set of groups.values()) if (isAboutGroups(set, providerId)) return true;
  return applications.some(({ policies }) =>
    policies.some((policy) => isAboutGroups(policy, providerId)),
  );
}

function isAboutGroups({ include, require, exclude }: RuleSet, providerId: string): boolean {
  return [include, require, exclude].some((rules) =>
    rules.some(({ oidc }) => {
      if (!isMap(oidc) || oidc["identity_provider_id"] !== providerId) return false;
      return isGroupsClaim(String(oidc["claim_name"]));
    }),
  );
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
  const { login_hint, prompt } = target;
  if (login_hint !== undefined) parameters["login_hint"] = login_hint;
  if (prompt !== undefined) parameters["prompt"] = prompt;
  // The provider's own session would bring the same person back.
  if (target.someone_else === true && prompt === undefined) parameters["prompt"] = "login";
  // Sent to providers that do not know it as well: they ignore it (RFC 7636 section 5).
  if (config.pkce_enabled !== false) {
    parameters["code_challenge"] = await calculatePKCECodeChallenge(verifier);
    parameters["code_challenge_method"] = "S256";
  }
  return parameters;
}
