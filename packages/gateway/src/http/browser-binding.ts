// What ties a sign-in to the browser that began it (wire-protocol 5.5): the nonce in
// `CF_AppSession`, which the official client knows, and over https a second one in a cookie that no
// sibling host can set (case T11). Links and hand-overs carry their hashes alone. The second one
// also ties tokens to the browser that they were handed to (tokens/bound-browser.ts).
import { createHash } from "node:crypto";
import { cookies } from "@postern/protocol";
import { cookieValues } from "./cookies.ts";

/** The cookie of the second nonce: browsers grant the prefix to https and this very host alone. */
export const browserCookie = "__Host-postern_browser";

/** The nonces of one browser; `browser` is undefined over http. */
export interface BrowserNonces {
  appSession: string;
  browser: string | undefined;
}

/** The hashes as links and hand-overs carry them: of `CF_AppSession`, and of both. */
export function bindingOf({ appSession, browser }: BrowserNonces): string {
  if (browser === undefined) return sha256(appSession);
  return `${sha256(appSession)}.${sha256(browser)}`;
}

/** The part of a binding that a terminal can keep: it has `CF_AppSession` alone. */
export function terminalBinding(binding: string): string {
  return binding.split(".", 1)[0] ?? "";
}

/**
 * The binding of the browser that sends these cookies.
 * @returns undefined when a nonce is missing, or there are two of one
 */
export function presentedBinding(
  cookieLines: readonly string[],
  withBrowser: boolean,
): string | undefined {
  const appSession = onlyValue(cookieLines, cookies.appSession);
  const browser = browserNonce(cookieLines);
  if (appSession === undefined) return undefined;
  if (!withBrowser) return bindingOf({ appSession, browser: undefined });
  return browser === undefined ? undefined : bindingOf({ appSession, browser });
}

/** The nonce that this browser has over https; undefined of none, or of two different ones. */
export function browserNonce(cookieLines: readonly string[]): string | undefined {
  return onlyValue(cookieLines, browserCookie);
}

/** The one value of a cookie; undefined of none, or of two different ones. */
function onlyValue(cookieLines: readonly string[], name: string): string | undefined {
  const [value, ...others] = new Set(cookieValues(cookieLines, name));
  return others.length === 0 ? value : undefined;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
