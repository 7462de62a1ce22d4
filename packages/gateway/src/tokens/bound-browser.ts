// The browser that a token was handed to (ADR 0015). A sibling host can plant a token of its own in
// somebody's browser, but not the `__Host-` cookie with the nonce that the token's claim `browser`
// is made from.
import { createHash } from "node:crypto";
import type { AppClaims, OrgClaims } from "@postern/protocol";
import type { Application } from "../model/model.ts";
import { ownCopy } from "./own-copy.ts";

/** The browser that sends a request. */
export interface Browser {
  /** undefined when it presents none, or two */
  nonce: string | undefined;
}

/** A verified application token. */
interface VerifiedToken {
  claims: AppClaims;
  /** the nonce that it was made for; undefined until a request presents it */
  browser: string | undefined;
}

/** The claim of a token for the browser with this nonce; none without a nonce. */
export function browserClaim(nonce: string | undefined): { browser?: string } {
  return nonce === undefined ? {} : { browser: halfHash(nonce) };
}

/** Whether the org token was handed to this browser. */
export function isOrgOf({ nonce }: Browser, { browser }: OrgClaims): boolean {
  return nonce !== undefined && browser === halfHash(nonce);
}

/** In what an application token comes: a header, or a cookie or an address. */
export type Carrier = "header" | "cookie";

/**
 * Whether a token counts only in the browser that it was handed to. Strangers can give a browser a
 * cookie or a link, but set none of its headers, and reach no program. Over http no cookie is safe
 * from a sibling host. With `enable_binding_cookie` it is so over https whoever asks.
 */
export function needsBrowser(
  { enable_binding_cookie }: Application,
  carrier: Carrier,
  { scheme, fromBrowser }: { scheme: "http" | "https"; fromBrowser: boolean },
): boolean {
  if (scheme !== "https") return false;
  return enable_binding_cookie === true || (carrier === "cookie" && fromBrowser);
}

/** Whether an application token that came so may have been handed to this browser. */
export function isAppOf(browser: Browser, carrier: Carrier, token: VerifiedToken): boolean {
  // A terminal's, which is handed to no browser.
  if (carrier === "header" && token.claims.browser === undefined) return true;
  return hasNonce(token, browser);
}

/** Hashes the nonce once for each token. */
function hasNonce(token: VerifiedToken, { nonce }: Browser): boolean {
  if (nonce === undefined) return false;
  if (token.browser === nonce) return true;
  if (token.claims.browser !== halfHash(nonce)) return false;
  token.browser = ownCopy(nonce);
  return true;
}

/**
 * The tokens that say they were handed to this browser, signed or not. Whoever plants others, even
 * more than are ever verified, does not crowd out the browser's own.
 * @param browser undefined: any token may be the sender's own
 */
export function ownTokens(
  tokens: readonly string[],
  browser: Browser | undefined,
): readonly string[] {
  if (browser === undefined) return tokens;
  const { nonce } = browser;
  if (nonce === undefined) return [];
  const claim = `"browser":"${halfHash(nonce)}"`;
  return tokens.filter((token) => claimsText(token).includes(claim));
}

/** The claims as text, without an exception for what is no token. */
function claimsText(token: string): string {
  const [, claims = ""] = token.split(".", 2);
  return Buffer.from(claims, "base64url").toString();
}

/** The left half of the SHA-256, as in OpenID Connect Core 3.1.3.6: cookies are short. */
function halfHash(nonce: string): string {
  const digest = createHash("sha256").update(nonce).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}
