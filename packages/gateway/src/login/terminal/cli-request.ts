// What a terminal asks for with `/cdn-cgi/access/cli` (wire-protocol 6.4 and 6.5): read on the
// application's host, vouched for with `meta`, and read again on the team domain. Nothing in it
// says who is asking.
import { decodeTransferKey, endpoints, ProtocolError } from "@postern/protocol";
import type { Catalog } from "../../catalog/catalog.ts";
import type { Application } from "../../model/model.ts";

export interface CliRequest {
  /** the application's host, with the port if one was given */
  authority: string;
  application: Application;
  /** the terminal's public key, 32 bytes */
  key: Uint8Array;
  /**
   * where the terminal wanted to go, on that host; undefined when it did not say or said it at
   * great length
   */
  redirectUrl: string | undefined;
  sendOrgToken: boolean;
  closeInterstitial: boolean;
  /** the request as path and query of the application's host, in the one order that we write */
  path: string;
}

const knownArguments = [
  "aud",
  "redirect_url",
  "send_org_token",
  "token",
  "close_interstitial",
] as const;
const authorityPattern = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
// It travels inside other URLs up to three times; the head of a request has 16 kB.
const redirectUrlLength = 1024;

/** @returns what is wrong with it, as a sentence for the page, when it cannot be used */
export function readCliRequest(
  catalog: Catalog,
  authority: string,
  query: string,
): CliRequest | string {
  const sent = new URLSearchParams(query);
  if (knownArguments.some((name) => sent.getAll(name).length > 1))
    return "The link holds the same argument twice.";
  const host = hostOf(authority);
  const application = catalog.applicationByAud.get(sent.get("aud") ?? "");
  if (host === undefined || application === undefined || !covers(catalog, application, host)) {
    return "The link does not belong to an application of this host.";
  }
  const token = sent.get("token") ?? "";
  const key = readKey(token);
  if (key === undefined) return "The link holds no usable key of a terminal.";
  const redirect = sent.get("redirect_url") ?? "";
  if (redirect !== "" && !staysOn(host, redirect))
    return "The link leads to another host than the application's.";

  const redirectUrl = redirect === "" || redirect.length > redirectUrlLength ? undefined : redirect;
  const sendOrgToken = sent.get("send_org_token") === "true";
  const closeInterstitial = sent.get("close_interstitial") === "true";
  const written = new URLSearchParams({ aud: application.aud, edge_token_transfer: "true" });
  if (redirectUrl !== undefined) written.set("redirect_url", redirectUrl);
  if (sendOrgToken) written.set("send_org_token", "true");
  written.set("token", token);
  if (closeInterstitial) written.set("close_interstitial", "true");
  return {
    authority,
    application,
    key,
    redirectUrl,
    sendOrgToken,
    closeInterstitial,
    path: `${endpoints.cli}?${written}`,
  };
}

/** The same request on the team domain; `meta` says that the application's host sent it. */
export function teamUrl(issuer: string, request: CliRequest, meta: string): string {
  return `${issuer}${request.path}&${new URLSearchParams({ host: request.authority, meta })}`;
}

/**
 * Where the form of the approval page goes: `meta` ran out long before a person has read
 * everything.
 */
export function formPath(request: CliRequest): string {
  return `${request.path}&${new URLSearchParams({ host: request.authority })}`;
}

/** The host without port; undefined when it is not `host[:port]`. */
export function hostOf(authority: string): string | undefined {
  return authorityPattern.test(authority) ? authority.replace(/:\d+$/, "") : undefined;
}

function covers(catalog: Catalog, application: Application, host: string): boolean {
  return catalog.patterns.some(
    (each) => each.application === application && each.pattern.matchesHost(host),
  );
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
function staysOn(host: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const parsed = new URL(url);
  const web = parsed.protocol === "https:" || parsed.protocol === "http:";
  return (
    web &&
    parsed.username === "" &&
    parsed.password === "" &&
    parsed.hostname.replace(/\.$/, "") === host
  );
}
