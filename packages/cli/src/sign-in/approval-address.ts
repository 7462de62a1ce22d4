// What a terminal asks for, and the two addresses that say so (wire-protocol 6.4): the short one
// names a mailbox that was opened with it, the long one holds all of it.
import {
  type CredentialScope,
  encodeShortTransferKey,
  encodeTransferKey,
  endpoints,
  type TransferKeyPair,
} from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import { defined } from "../defined.ts";
import type { Application } from "../store/known-hosts.ts";

/** What is wished of the page. */
export interface PageWishes {
  /** asks the page to close itself after the approval */
  autoClose: boolean;
  /**
   * whom the provider should offer first, and whether it must ask again; names and values are
   * OpenID Connect's
   */
  loginHint: string | undefined;
  prompt: "login" | "select_account" | undefined;
  /** asks for a grant, and for nothing else */
  grant?: GrantWish;
}

/** A grant, as its mailbox is opened with it (wire-protocol 8.3). */
export interface GrantWish extends CredentialScope {
  /** seconds */
  ttl: number;
  /** what it is called on the page, in logs and at the application */
  label?: string;
}

/** What a terminal asks for, as its mailbox is opened with it. */
export interface Opening {
  aud: string;
  /** without userinfo, query and fragment */
  redirect_url: string;
  send_org_token: boolean;
  close_interstitial?: true;
  login_hint?: string;
  prompt?: "login" | "select_account";
  /** thumbprint of the key that the tokens are to be bound to (wire-protocol 3.7) */
  jkt?: string;
  grant?: GrantWish;
}

/**
 * What the terminal asks for.
 * @param jkt of the key that its tokens are to be bound to; undefined for none
 */
export function openingOf(
  app: AppUrl,
  { aud }: Application,
  { autoClose, loginHint, prompt, grant }: PageWishes,
  jkt: string | undefined,
): Opening {
  const close_interstitial = autoClose ? (true as const) : undefined;
  return {
    aud,
    redirect_url: app.bare,
    send_org_token: grant === undefined,
    ...defined({ close_interstitial, login_hint: loginHint, prompt, jkt, grant }),
  };
}

/** The address of an opened mailbox. */
export function shortAddress(app: AppUrl, { publicKey }: TransferKeyPair): URL {
  return new URL(`${endpoints.cli}/${encodeShortTransferKey(publicKey)}`, app.origin);
}

/** The address that says everything itself, in the order of the official client's. */
export function longAddress(app: AppUrl, opening: Opening, { publicKey }: TransferKeyPair): URL {
  const { aud, redirect_url, send_org_token, close_interstitial, login_hint, prompt } = opening;
  const token = encodeTransferKey(publicKey);
  const back = new URL(redirect_url);
  back.searchParams.set("aud", aud);
  back.searchParams.set("token", token);
  const url = new URL(endpoints.cli, app.origin);
  url.searchParams.set("aud", aud);
  if (close_interstitial === true) url.searchParams.set("close_interstitial", "true");
  url.searchParams.set("edge_token_transfer", "true");
  if (login_hint !== undefined) url.searchParams.set("login_hint", login_hint);
  if (prompt !== undefined) url.searchParams.set("prompt", prompt);
  url.searchParams.set("redirect_url", back.href);
  if (send_org_token) url.searchParams.set("send_org_token", "true");
  url.searchParams.set("token", token);
  return url;
}
