// What a terminal asks for when it opens its mailbox before it shows an address (wire-protocol
// 6.4): how it is read, kept in the mailbox and read back. The short address names the mailbox
// alone, so this is what the person approves. It is judged as the long address is.
import { encodeTransferKey } from "@postern/protocol";
import { z } from "zod";
import type { Catalog } from "../../catalog/catalog.ts";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { StoredTransfer } from "../../storage/store.ts";
import { coversHost, hostOf } from "../application-host.ts";
import { readBodyText } from "../request-text.ts";
import { type CliRequest, type CliRequestReading, readCliRequest } from "./cli-request.ts";
import { type GrantWish, grantWish } from "./grant-wish.ts";

const longestBody = 8_192;
/** Bytes of a `redirect_url` without userinfo, query and fragment. */
const longestRedirectUrl = 2_048;
const thumbprintBytes = 32;

const opening = z.strictObject({
  aud: z.string().regex(/^[0-9a-f]{64}$/, "is not the AUD of an application"),
  redirect_url: z.string().transform(bareUrl),
  /** thumbprint of the key that the terminal's tokens are bound to (RFC 7638, SHA-256) */
  jkt: z.string().refine(isThumbprint, "is not a SHA-256 thumbprint in base64url").optional(),
  login_hint: z.string().optional(),
  prompt: z.string().optional(),
  close_interstitial: z.boolean().optional(),
  send_org_token: z.boolean().optional(),
  /** asks for a grant, and for nothing else */
  grant: grantWish.optional(),
});

/** What a terminal asked for. */
export type Opening = z.infer<typeof opening>;

/** `message` says what is wrong, for the terminal. */
export type OpeningReading =
  | { ok: true; opening: Opening }
  | { ok: false; status: 400 | 404 | 413; error: string; message: string };

/** Reads the body of an opening, and judges it as the link that it stands for. */
export async function readOpening(
  request: Request,
  catalog: Catalog,
  key: Uint8Array,
): Promise<OpeningReading> {
  const body = await readBodyText(request, longestBody);
  if (!body.ok && body.fault === "too_long")
    return refuse(413, "bad_opening", `The opening is longer than ${longestBody} bytes.`);
  const result = opening.safeParse(body.ok ? parseJson(body.text) : undefined);
  if (!result.success) return refuse(400, "bad_opening", complaintOf(result.error));
  const { aud, redirect_url } = result.data;
  const application = catalog.applicationByAud.get(aud);
  const authority = new URL(redirect_url).host;
  const host = hostOf(authority);
  if (application === undefined || host === undefined || !coversHost(catalog, application, host))
    return refuse(404, "unknown_application", "No application at this address has this AUD.");
  if (result.data.grant !== undefined && result.data.send_org_token === true)
    return refuse(400, "bad_opening", "A grant comes alone: leave out send_org_token.");
  const reading = requestOf(catalog, authority, key, result.data);
  if (!reading.ok) return refuse(400, "bad_opening", reading.message);
  return { ok: true, opening: result.data };
}

/**
 * What the mailbox was opened for; undefined where a poll opened it.
 * @throws {z.ZodError} when the store holds something else
 */
export function openingOf({ opening: text }: StoredTransfer): Opening | undefined {
  return text === null ? undefined : opening.parse(JSON.parse(text));
}

/** The grant that the terminal asks for; undefined where it asks for a session of its own. */
export function grantWishOf(transfer: StoredTransfer): GrantWish | undefined {
  return openingOf(transfer)?.grant;
}

/** The request that the short address stands for, on the host that it was opened at. */
export function openedRequest(
  { catalog, authority }: Pick<RequestFacts, "catalog" | "authority">,
  key: Uint8Array,
  transfer: StoredTransfer,
): CliRequestReading {
  const asked = openingOf(transfer);
  if (asked === undefined) return { ok: false, message: "The terminal opened no mailbox." };
  return requestOf(catalog, authority, key, asked);
}

function requestOf(
  catalog: Catalog,
  authority: string,
  key: Uint8Array,
  { aud, redirect_url, login_hint, prompt, close_interstitial, send_org_token }: Opening,
): CliRequestReading {
  const link = new URLSearchParams({ aud, redirect_url, token: encodeTransferKey(key) });
  if (send_org_token === true) link.set("send_org_token", "true");
  if (close_interstitial === true) link.set("close_interstitial", "true");
  if (login_hint !== undefined) link.set("login_hint", login_hint);
  if (prompt !== undefined) link.set("prompt", prompt);
  return readCliRequest(catalog, authority, link.toString());
}

/**
 * Whether a request is the one that its mailbox was opened for. A long address with the same key
 * may ask for something else, or at another host of the application, which the person would approve
 * in its place.
 */
export function isOpenedFor(request: CliRequest, transfer: StoredTransfer): boolean {
  const asked = openingOf(transfer);
  if (asked === undefined) return true;
  const sendsOrgToken = asked.send_org_token === true;
  if (asked.aud !== request.application.aud || sendsOrgToken !== request.sendOrgToken) return false;
  return hostOf(new URL(asked.redirect_url).host) === hostOf(request.authority);
}

/** The URL without what must not be kept: userinfo, query and fragment. */
function bareUrl(text: string, context: z.RefinementCtx): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    context.addIssue("is not an http or https URL");
    return z.NEVER;
  }
  const bare = `${url.origin}${url.pathname}`;
  if (Buffer.byteLength(bare) > longestRedirectUrl)
    context.addIssue(`is longer than ${longestRedirectUrl} bytes`);
  return bare;
}

function isThumbprint(text: string): boolean {
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === thumbprintBytes && bytes.toString("base64url") === text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function complaintOf({ issues: [issue] }: z.ZodError): string {
  const field = issue?.path.join(".");
  return field ? `${field}: ${issue?.message}` : String(issue?.message);
}

function refuse(
  status: 400 | 404 | 413,
  error: string,
  message: string,
): OpeningReading & { ok: false } {
  return { ok: false, status, error, message };
}
