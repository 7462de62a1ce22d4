// What a failed exchange with a provider says of itself: the OAuth error, the claim that was
// compared, the address, the innermost cause. Libraries hide all of it in causes of causes.
import * as openid from "openid-client";
import { addressOf, innermostCause, ProviderFetchError } from "../../bounded-fetch.ts";
import type { ProviderReport } from "../../observe/events.ts";

/** An error of the protocol (RFC 6749 4.1.2.1 and 5.2). */
export interface OauthWords {
  error: string;
  description: string | undefined;
}

/** The first code in the chain: the library's, which wraps that of the system. */
export function codeIn(chain: readonly unknown[]): string | undefined {
  for (const each of chain) {
    const code: unknown = (each as { code?: unknown }).code;
    if (typeof code === "string") return code;
  }
  return undefined;
}

/** The OAuth error that was thrown, or stands in the body of an answer that was not expected. */
export async function oauthWordsOf(
  chain: readonly unknown[],
  response: Response | undefined,
): Promise<OauthWords | undefined> {
  for (const each of chain) {
    if (
      each instanceof openid.AuthorizationResponseError ||
      each instanceof openid.ResponseBodyError
    )
      return { error: each.error, description: each.error_description };
  }
  if (response === undefined || response.bodyUsed) return undefined;
  return wordsIn(await response.text().catch(() => ""));
}

/** The OAuth error in a body; undefined when there is none. */
function wordsIn(text: string): OauthWords | undefined {
  try {
    const body = JSON.parse(text) as { error?: unknown; error_description?: unknown } | null;
    if (typeof body?.error !== "string" || body.error === "") return undefined;
    const { error, error_description: description } = body;
    return { error, description: typeof description === "string" ? description : undefined };
  } catch {
    return undefined;
  }
}

/** The answer that the library complains about. */
export function responseIn(chain: readonly unknown[]): Response | undefined {
  for (const each of chain) {
    if (each instanceof Response) return each;
    const { response } = each as { response?: unknown };
    if (response instanceof Response) return response;
  }
  return undefined;
}

/** The address that failed, where the error says it. */
export function urlIn(
  chain: readonly unknown[],
  response: Response | undefined,
): string | undefined {
  const fetchError = chain.find((each) => each instanceof ProviderFetchError);
  if (fetchError !== undefined) return fetchError.url;
  if (response !== undefined && response.url !== "") return addressOf(new URL(response.url));
  const selection = chain.find((each) => (each as { jwks_uri?: unknown }).jwks_uri instanceof URL);
  if (selection === undefined) return undefined;
  return addressOf((selection as { jwks_uri: URL }).jwks_uri);
}

/** The innermost error, where everything else began: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
export function causeText(chain: readonly unknown[]): string | undefined {
  const { message, code } = innermostCause(chain.at(0));
  if (code === undefined || message.includes(code)) return message;
  return `${code}: ${message}`;
}

/** What openid-client says around an error that is not its own. */
const emptyMessage = "something went wrong";

/** The messages from the outside in: the library's general ones first, the precise one last. */
export function detailOf(chain: readonly unknown[]): string {
  const messages = chain
    .flatMap((each) => (each instanceof Error ? messageOf(each) : []))
    .filter((message) => message !== emptyMessage);
  return [...new Set(messages)].join(": ");
}

/** A parser quotes what it could not read, which may be a token. */
function messageOf(error: Error): string {
  return error instanceof SyntaxError ? "the answer is not JSON" : error.message;
}

/** Values of these are secrets of the attempt. */
const secretClaims: ReadonlySet<string> = new Set(["nonce", "state", "at_hash", "c_hash"]);

/** The library says in the innermost cause which claim or attribute it compared with what. */
export function comparisonIn(
  chain: readonly unknown[],
): Pick<ProviderReport, "claim" | "expected" | "received"> {
  for (const each of chain) {
    if (each instanceof Error) continue;
    const { claim, attribute, claims, body, parameters, expected, now } = each as Comparison;
    // The only other argument that is compared is `state`, which is no URL.
    const isIssuerArgument = parameters !== undefined && URL.canParse(String(expected));
    const name = claim ?? attribute ?? (isIssuerArgument ? "iss" : undefined);
    if (name === undefined || secretClaims.has(name)) continue;
    const source = claims ?? body;
    const received = parameters === undefined ? source?.[name] : parameters.get(name);
    return { claim: name, ...valuesOf(expected ?? now, received) };
  }
  return {};
}

interface Comparison {
  claim?: string;
  attribute?: string;
  claims?: Record<string, unknown>;
  body?: Record<string, unknown>;
  parameters?: URLSearchParams;
  expected?: unknown;
  now?: unknown;
}

function valuesOf(expected: unknown, received: unknown): { expected?: string; received?: string } {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.fromEntries(
    Object.entries({ expected: text(expected), received: text(received) }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** A difference of clocks in words, with what to do. @param ahead seconds; negative: behind */
export function differenceText(ahead: number): string {
  const direction = ahead > 0 ? "ahead of" : "behind";
  return `the provider's clock is ${Math.abs(ahead)} s ${direction} this gateway's; correct the one that is wrong`;
}

/** What the times of a token say of the provider's clock, where they do not fit. */
export function clockTextIn(chain: readonly unknown[]): string | undefined {
  for (const each of chain) {
    if (each instanceof Error) continue;
    const { claim, claims, now } = each as Comparison;
    if (typeof now !== "number" || claims === undefined || claim === undefined) continue;
    const time = claim === "exp" ? claims["iat"] : claims[claim];
    if (typeof time === "number") return `${claim}: ${differenceText(time - now)}`;
  }
  return undefined;
}
