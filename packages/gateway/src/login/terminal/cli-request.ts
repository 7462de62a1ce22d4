// What a terminal asks for with `/cdn-cgi/access/cli` (wire-protocol 6.4 and 6.5): read on the
// application's host, vouched for with `meta`, and read again on the team domain. Nothing in it
// says who is asking.
import { decodeTransferKey, endpoints, ProtocolError } from "@postern/protocol";
import type { Catalog } from "../../catalog/catalog.ts";
import type { Application } from "../../model/model.ts";
import { coversHost, hasUserInfo, hostOf } from "../application-host.ts";
import { type ProviderWishes, readProviderWishes, wishArguments } from "../provider-wishes.ts";
import { mailboxId } from "./mailboxes.ts";

/** A terminal's request that can be used. */
export interface CliRequest {
  /** the application's host, with the port if one was given */
  authority: string;
  application: Application;
  /** the terminal's public key, 32 bytes */
  key: Uint8Array;
  /** the mailbox from which the terminal fetches its tokens */
  mailbox: string;
  sendOrgToken: boolean;
  /** what the link wishes of the identity provider */
  wishes: ProviderWishes;
  /** whether the browser's window is to be closed afterwards (`close_interstitial`) */
  closeWindow: boolean;
  /** the request as path and query of the application's host, in the one order that we write */
  path: string;
}

/** `message` says what is wrong, as a sentence for the page. */
export type CliRequestReading = { ok: true; request: CliRequest } | { ok: false; message: string };

const singleArguments = [
  "aud",
  "redirect_url",
  "send_org_token",
  "token",
  "close_interstitial",
  ...wishArguments,
];
// It travels inside other URLs up to three times; the head of a request has 16 kB.
const redirectUrlLength = 1024;

/** Reads the query of a terminal's link for the application's host `authority`. */
export function readCliRequest(
  catalog: Catalog,
  authority: string,
  query: string,
): CliRequestReading {
  const link = new URLSearchParams(query);
  if (singleArguments.some((name) => link.getAll(name).length > 1))
    return refuse("The link says the same thing twice.");
  const host = hostOf(authority);
  const application = catalog.applicationByAud.get(link.get("aud") ?? "");
  if (host === undefined || application === undefined || !coversHost(catalog, application, host))
    return refuse("The link does not belong to an application at this address.");
  const key = readKey(link.get("token") ?? "");
  if (key === undefined) return refuse("The link does not hold a terminal's key that can be used.");
  const redirectUrl = link.get("redirect_url") ?? "";
  if (redirectUrl !== "" && !staysOn(host, redirectUrl))
    return refuse("The link leads to a host that is not the application's.");
  const reading = readProviderWishes(link);
  if (!reading.ok) return refuse(reading.message);
  const { wishes } = reading;
  return {
    ok: true,
    request: {
      authority,
      application,
      key,
      mailbox: mailboxId(key),
      sendOrgToken: link.get("send_org_token") === "true",
      wishes,
      closeWindow: link.get("close_interstitial") === "true",
      path: canonicalPath(application, link, wishes),
    },
  };
}

/** What we understood of the link, in one order and without what is too long to carry. */
function canonicalPath(
  application: Application,
  link: URLSearchParams,
  wishes: ProviderWishes,
): string {
  const redirectUrl = link.get("redirect_url") ?? "";
  const query = new URLSearchParams({ aud: application.aud, edge_token_transfer: "true" });
  if (redirectUrl !== "" && redirectUrl.length <= redirectUrlLength)
    query.set("redirect_url", redirectUrl);
  if (link.get("send_org_token") === "true") query.set("send_org_token", "true");
  query.set("token", link.get("token") ?? "");
  if (link.get("close_interstitial") === "true") query.set("close_interstitial", "true");
  for (const [name, value] of Object.entries(wishes)) query.set(name, value);
  return `${endpoints.cli}?${query}`;
}

function readKey(token: string): Uint8Array | undefined {
  try {
    return decodeTransferKey(token);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Compared after parsing, as browsers parse (cases L1, L3). */
function staysOn(host: string, text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && !hasUserInfo(url) && url.hostname.replace(/\.$/, "") === host;
}

function refuse(message: string): CliRequestReading {
  return { ok: false, message };
}
