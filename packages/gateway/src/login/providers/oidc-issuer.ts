// An OpenID Provider whose issuer is configured, with discovery. openid-client speaks the protocol:
// it verifies the ID token's signature, issuer, audience and times. What it fetches is bounded in
// bounded-fetch.ts.
import * as openid from "openid-client";
import { boundedFetch, mayFetch, ProviderFetchError } from "../../bounded-fetch.ts";
import type { Clock, Stopwatch } from "../../clock.ts";
import type { OidcConfig } from "../../model/model.ts";
import { clientAuthentication, clientAuthMethod } from "./client-authentication.ts";
import { clockFault, clockWarning } from "./clock-difference.ts";
import { hasEmail, identityFromClaims, isIncomplete, type Statement } from "./oidc-claims.ts";
import type { AuthorizationUrl, OidcAnswer, OidcClient } from "./oidc-client.ts";
import { clockTolerance, timeoutOf } from "./oidc-client.ts";
import type { SignInFailure, SignInResult } from "./provider.ts";
import { failure, failureOf } from "./provider-failure.ts";

/** The configuration of a provider that is found by its issuer. */
export type IssuerConfig = OidcConfig & { issuer: string };

type Discovery = () => Promise<openid.Configuration>;

const discoveryLifeMs = 60 * 60_000;

/** The client of a provider whose issuer is configured. */
export function issuerClient(
  config: IssuerConfig,
  { now, elapsed }: { now: Clock; elapsed: Stopwatch },
): OidcClient {
  const discovery = cached(() => discover(config), discoveryLifeMs, elapsed);
  return {
    authorizationUrl: (parameters) => authorizationUrl(config, discovery, parameters),
    redeem: (answer) => redeem({ config, discovery, now }, answer),
    async check() {
      const result = await authorizationUrl(config, discovery, {});
      return result.ok ? undefined : result;
    },
  };
}

/** Learns how to speak with the provider, from its discovery document. */
function discover(config: IssuerConfig): Promise<openid.Configuration> {
  const { client_id, client_secret } = config;
  const issuer = new URL(config.issuer);
  const extensions = [openid.enableNonRepudiationChecks];
  // boundedFetch decides address by address: a discovery document may not lead from https to http.
  if (issuer.protocol === "http:" && mayFetch(issuer))
    extensions.push(openid.allowInsecureRequests);
  const metadata: Partial<openid.ClientMetadata> = { [openid.clockTolerance]: clockTolerance };
  if (client_secret !== undefined) metadata.client_secret = client_secret;
  return openid.discovery(issuer, client_id, metadata, clientAuthentication(config), {
    [openid.customFetch]: boundedFetch(timeoutOf(config)) as openid.CustomFetch,
    execute: extensions,
  });
}

async function authorizationUrl(
  config: IssuerConfig,
  discovery: Discovery,
  parameters: Record<string, string>,
): Promise<AuthorizationUrl> {
  try {
    const url = openid.buildAuthorizationUrl(await discovery(), parameters);
    if (isReachable(config, url)) return { ok: true, url: url.href };
    const detail = "the provider sends people to an address that is not https";
    return failure("provider_misconfigured", detail, { url: `${url.origin}${url.pathname}` });
  } catch (error) {
    return describe(config, error);
  }
}

/**
 * Whether browsers follow the button there: a page that is served over https lets its forms lead
 * over plain HTTP only where the configured issuer is on this machine (pages/layout.ts).
 */
function isReachable({ issuer }: IssuerConfig, url: URL): boolean {
  if (url.protocol === "https:") return true;
  return mayFetch(url) && new URL(issuer).protocol === "http:";
}

interface Redemption {
  config: IssuerConfig;
  discovery: Discovery;
  now: Clock;
}

async function redeem(
  { config, discovery, now }: Redemption,
  answer: OidcAnswer,
): Promise<SignInResult> {
  // 1. The provider says how to speak with it.
  let provider: openid.Configuration;
  try {
    provider = await discovery();
  } catch (error) {
    return describe(config, error);
  }

  // 2. The code becomes a verified ID token.
  const secrets = secretsOf(config, answer);
  let tokens: Awaited<ReturnType<typeof exchange>>;
  try {
    tokens = await exchange(config, provider, answer);
  } catch (error) {
    const url = provider.serverMetadata().token_endpoint;
    return explained(config, provider, await failureOf(error, { url, secrets }));
  }
  const { claims: idToken, accessToken } = tokens;
  const fault = clockFault(idToken, now());
  if (fault !== undefined) return fault;
  const warning = clockWarning(idToken, now());
  if (warning !== undefined) answer.warn(warning);

  // 3. Userinfo completes it, where something is missing that is used.
  const statement = await complete(config, provider, { idToken, accessToken, answer });
  return identityFromClaims(config, statement, answer);
}

/** @throws {Error} when the provider refuses, is not reached, or answers another question */
async function exchange(
  config: OidcConfig,
  provider: openid.Configuration,
  { parameters, redirectUri, state, nonce, verifier }: OidcAnswer,
): Promise<{ claims: openid.IDToken; accessToken: string }> {
  const checks: openid.AuthorizationCodeGrantChecks = {
    expectedState: state,
    expectedNonce: nonce,
  };
  if (config.pkce_enabled !== false) checks.pkceCodeVerifier = verifier;
  const callback = new URL(`${redirectUri}?${parameters}`);
  const tokens = await openid.authorizationCodeGrant(provider, callback, checks);
  const claims = tokens.claims();
  if (claims === undefined) throw new Error("the provider sent no ID token");
  return { claims, accessToken: tokens.access_token };
}

/** Asks for userinfo only where the ID token leaves something out that is used. */
async function complete(
  config: IssuerConfig,
  provider: openid.Configuration,
  {
    idToken,
    accessToken,
    answer,
  }: {
    idToken: openid.IDToken;
    accessToken: string;
    answer: OidcAnswer;
  },
): Promise<Statement> {
  const { userinfo_endpoint: url } = provider.serverMetadata();
  if (url === undefined) return { idToken, userInfo: { kind: "none" } };
  if (!isIncomplete(config, idToken, answer.usesGroups))
    return { idToken, userInfo: { kind: "not_asked" } };
  const timeoutMs = hasEmail(config, idToken) ? Math.min(patienceMs, timeoutOf(config)) : undefined;
  try {
    const asking = openid.fetchUserInfo(provider, accessToken, idToken.sub);
    const claims = await (timeoutMs === undefined ? asking : within(timeoutMs, asking, url));
    return { idToken, userInfo: { kind: "answered", claims } };
  } catch (error) {
    const secrets = [...secretsOf(config, answer), accessToken];
    const failed = await failureOf(error, { url, secrets });
    answer.warn({ ...failed.report, warning: "userinfo_failed", detail: failed.detail });
    return { idToken, userInfo: { kind: "failed", failure: failed } };
  }
}

/** How long a person waits for what the sign-in can do without. */
const patienceMs = 3_000;

/** @throws {ProviderFetchError} slow, when the answer is not there in time */
async function within<Answer>(
  timeoutMs: number,
  asking: Promise<Answer>,
  url: string,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `no complete answer within ${timeoutMs} ms`;
    timer = setTimeout(
      () => reject(new ProviderFetchError("slow", new URL(url), message)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Adds to a failure what the operator can do about it. */
function explained(
  config: OidcConfig,
  provider: openid.Configuration,
  failed: SignInFailure,
): SignInFailure {
  const { oauth_error, status } = failed.report ?? {};
  const isAboutClient = oauth_error === "invalid_client" || oauth_error === "unauthorized_client";
  if (!isAboutClient && status !== 401) return failed;
  const { token_endpoint_auth_methods_supported: offered } = provider.serverMetadata();
  const method = clientAuthMethod(config, offered);
  const methods = offered === undefined ? "no methods" : offered.join(", ");
  const advice = `the provider does not accept this client, which authenticated with ${method}; the provider lists ${methods}: check client_id and its secret or key, or set another token_endpoint_auth_method`;
  return { ...failed, detail: `${advice} (${failed.detail})` };
}

/** Why the provider cannot be asked how to speak with it. */
async function describe(config: IssuerConfig, error: unknown): Promise<SignInFailure> {
  const secrets = [config.client_secret, config.private_key];
  const failed = await failureOf(error, { url: config.issuer, secrets });
  const { claim, received } = failed.report ?? {};
  if (claim !== "issuer" || received === undefined) return failed;
  const detail = `the provider's issuer is ${received}, but the configuration has ${config.issuer}; if that is the provider you mean, write issuer: ${received}`;
  return { ...failed, detail, report: { ...failed.report, expected: config.issuer } };
}

/** What no log may hold. */
function secretsOf(config: OidcConfig, answer: OidcAnswer): (string | undefined)[] {
  const { parameters, nonce, state, verifier } = answer;
  const code = parameters.get("code") ?? undefined;
  return [config.client_secret, config.private_key, code, nonce, state, verifier];
}

/** Makes a value once and keeps it for `lifeMs`. A failure is not kept. */
function cached<Value>(
  make: () => Promise<Value>,
  lifeMs: number,
  elapsed: Stopwatch,
): () => Promise<Value> {
  let entry: { value: Promise<Value>; madeAt: number } | undefined;
  return () => {
    if (entry !== undefined && elapsed() - entry.madeAt < lifeMs) return entry.value;
    const fresh = { value: make(), madeAt: elapsed() };
    entry = fresh;
    fresh.value.catch(() => {
      if (entry === fresh) entry = undefined;
    });
    return fresh.value;
  };
}
