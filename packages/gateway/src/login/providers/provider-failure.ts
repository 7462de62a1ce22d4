// Why an exchange with an OpenID Provider failed: the class that the page follows, and for the log
// the protocol's own words. No secret gets into them: what a provider writes is bounded, and
// cleared of what the gateway sent.
import * as openid from "openid-client";
import { causesOf, ProviderFetchError } from "../../bounded-fetch.ts";
import type { ProviderReport } from "../../observe/events.ts";
import {
  causeText,
  clockTextIn,
  codeIn,
  comparisonIn,
  detailOf,
  oauthWordsOf,
  responseIn,
  urlIn,
} from "./failure-words.ts";
import type { SignInFailure, SignInFault } from "./provider.ts";

const longestText = 300;
const longestDescription = 500;

/** What is known of the exchange that failed. */
export interface FailedExchange {
  /** the address asked, where the error does not say */
  url: string | undefined;
  /** values that no log may hold */
  secrets: readonly (string | undefined)[];
}

/** What a failed exchange comes to. Never throws. */
export async function failureOf(error: unknown, exchange: FailedExchange): Promise<SignInFailure> {
  const chain = causesOf(error);
  const response = responseIn(chain);
  const words = await oauthWordsOf(chain, response);
  const report = {
    oauth_error: words?.error,
    oauth_description: words?.description,
    status: response?.status,
    url: urlIn(chain, response) ?? exchange.url,
    cause: causeText(chain),
    ...comparisonIn(chain),
  };
  return {
    ok: false,
    fault: faultOf(chain, response, words?.error),
    detail: bounded(clockTextIn(chain) ?? detailOf(chain), exchange.secrets, longestText),
    report: cleared(report, exchange.secrets),
  };
}

/** A failure that is found here, and not thrown by a library. */
export function failure(
  fault: SignInFault,
  detail: string,
  report: ProviderReport = {},
): SignInFailure {
  return { ok: false, fault, detail, report };
}

/** Every text bounded, on one line, and without secrets; what is undefined is left out. */
function cleared(
  report: { [Name in keyof ProviderReport]: ProviderReport[Name] | undefined },
  secrets: readonly (string | undefined)[],
): ProviderReport {
  const entries = Object.entries(report)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => {
      if (typeof value !== "string") return [name, value] as const;
      return [name, bounded(value, secrets, longestDescription)] as const;
    });
  return Object.fromEntries(entries);
}

/** A text of somebody else's, as the log may have it. */
function bounded(text: string, secrets: readonly (string | undefined)[], most: number): string {
  let clear = text;
  for (const secret of secrets)
    for (const spelling of spellingsOf(secret)) clear = clear.replaceAll(spelling, cutOut);
  clear = clear.replace(credentials, `$1 ${cutOut}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return clear.replace(/[\u0000-\u001f\u007f]+/g, " ").slice(0, most);
}

const cutOut = "(cut out)";
/** An `Authorization` header that a provider quotes; words like `authentication` are shorter. */
const credentials = /\b(Basic|Bearer)\s+[\w~+/.-]{20,}=*/gi;

/** A secret as it is, and as it stands in a URL or a form that a provider quotes. */
function spellingsOf(secret: string | undefined): string[] {
  if (secret === undefined || secret === "") return [];
  const form = new URLSearchParams([["", secret]]).toString().slice("=".length);
  return [secret, encodeURIComponent(secret.toWellFormed()), form];
}

function faultOf(
  chain: readonly unknown[],
  response: Response | undefined,
  oauthError: string | undefined,
): SignInFault {
  const fetchError = chain.find((each) => each instanceof ProviderFetchError);
  if (fetchError !== undefined) return fetchFaults[fetchError.fault];
  if (oauthError !== undefined) return faultOfOauthError(oauthError, chain);
  if (response !== undefined) return faultOfStatus(response.status);
  const code = codeIn(chain);
  return (code === undefined ? undefined : faultsOfCodes[code]) ?? "answer_invalid";
}

const fetchFaults = {
  unreachable: "provider_unreachable",
  slow: "provider_slow",
  unusable: "provider_misconfigured",
} as const;

/** What the person or the provider decided about this person (RFC 6749 4.1.2.1, OpenID 3.1.2.6). */
const refusals: ReadonlySet<string> = new Set([
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "login_required",
]);

const passing: ReadonlySet<string> = new Set([
  "server_error",
  "slow_down",
  "temporarily_unavailable",
]);

function faultOfOauthError(oauthError: string, chain: readonly unknown[]): SignInFault {
  if (refusals.has(oauthError)) return "provider_refused";
  if (passing.has(oauthError)) return "provider_unreachable";
  // A code that was used, or is too old: a new attempt has a new one.
  if (oauthError === "invalid_grant") return "answer_invalid";
  // A code of somebody else's making in the callback is a refusal; from the token address, where
  // the client speaks for itself, it is a matter of configuration.
  const isKnown = misconfigurations.has(oauthError);
  const isCallback = chain.some((each) => each instanceof openid.AuthorizationResponseError);
  return isCallback && !isKnown ? "provider_refused" : "provider_misconfigured";
}

const misconfigurations: ReadonlySet<string> = new Set([
  "invalid_client",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "request_not_supported",
  "unauthorized_client",
  "unsupported_response_type",
]);

function faultOfStatus(status: number): SignInFault {
  const isPassing = status >= 500 || status === 408 || status === 429;
  return isPassing ? "provider_unreachable" : "provider_misconfigured";
}

/** Codes of what nobody mends by trying again; the others are `answer_invalid`. */
const faultsOfCodes: Readonly<Record<string, SignInFault>> = {
  OAUTH_HTTP_REQUEST_FORBIDDEN: "provider_misconfigured",
  OAUTH_INVALID_SERVER_METADATA: "provider_misconfigured",
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: "provider_misconfigured",
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: "provider_misconfigured",
  OAUTH_MISSING_SERVER_METADATA: "provider_misconfigured",
  OAUTH_REQUEST_PROTOCOL_FORBIDDEN: "provider_misconfigured",
  OAUTH_UNSUPPORTED_OPERATION: "provider_misconfigured",
  POSTERN_UNUSABLE_KEY: "provider_misconfigured",
};
