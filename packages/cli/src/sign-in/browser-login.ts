// The login that needs a person: show where to approve, poll the relay, open the sealed box
// (wire-protocol 6.4 to 6.8). Keys are fresh for every login and never touch the disk (case C2).
import {
  decodeTransferKey,
  encodeTransferKey,
  endpoints,
  generateTransferKeyPair,
  headers,
  loginCode,
  openTokens,
  ProtocolError,
  type TransferKeyPair,
  type TransferredTokens,
} from "@postern/protocol";
import { isLoopbackHost } from "@postern/protocol/host";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { Application } from "../store/known-hosts.ts";
import { openBrowser } from "./open-browser.ts";
import { showQrCode } from "./qr-code.ts";
import { confirmDelivery, mailboxOf, pollRelay } from "./relay-poll.ts";

export interface BrowserLoginOptions {
  openBrowser: boolean;
  /** undefined: where no browser could be opened, a phone can reach the page and there is room */
  qr: boolean | undefined;
  /** asks the page to close itself after the approval */
  autoClose: boolean;
  /** a team of Cloudflare's own for US federal agencies, which has a relay of its own */
  federal?: boolean;
  /**
   * whom the provider should offer first, and whether it must ask again; names and values are
   * OpenID Connect's
   */
  loginHint: string | undefined;
  prompt: "login" | "select_account" | undefined;
  /** milliseconds */
  timeout: number;
}

/** What the person's approval brought. */
export interface Delivery {
  /** not yet verified */
  tokens: TransferredTokens;
  /** tells the gateway that they have arrived, for good */
  confirm(): Promise<void>;
}

/**
 * Lets the person approve, and waits for it.
 * @param announce told the URL and the code of its page as soon as there are any
 * @throws {CliError} login_refused | login_timeout | refused_by_policy | unreachable | unverified
 */
export async function loginWithBrowser(
  context: Context,
  app: AppUrl,
  application: Application,
  options: BrowserLoginOptions,
  announce: (url: string, code: string) => void,
): Promise<Delivery> {
  const keys = generateTransferKeyPair();
  const url = approvalUrl(app, application, keys, options);
  announce(url.href, loginCode(keys.publicKey));
  const relayed = { ...application, relay: relayFor(application, options) };
  // The poll comes first: the page offers to approve only while one is held.
  const mailbox = mailboxOf(relayed, keys.publicKey);
  const answer = pollRelay(context, mailbox, options.timeout);
  answer.catch(() => {});
  await showTheWay(context, url, keys, options);
  const tokens = readBox(application, keys, await answer);
  return { tokens, confirm: () => confirmDelivery(context, mailbox) };
}

/** Cloudflare's relay for federal agencies replaces its other one, and nobody else's. */
function relayFor({ relay }: Application, { federal }: BrowserLoginOptions): string {
  if (federal !== true) return relay;
  return relay.replace(
    "https://login.cloudflareaccess.org/",
    "https://login.fed.cloudflareaccess.org/",
  );
}

/** Parameters in the order of their names, as the official client sends them. */
function approvalUrl(
  app: AppUrl,
  application: Application,
  keys: TransferKeyPair,
  options: BrowserLoginOptions,
): URL {
  const token = encodeTransferKey(keys.publicKey);
  const back = new URL(app.bare);
  back.searchParams.set("aud", application.aud);
  back.searchParams.set("token", token);
  const url = new URL(endpoints.cli, app.origin);
  url.searchParams.set("aud", application.aud);
  if (options.autoClose) url.searchParams.set("close_interstitial", "true");
  url.searchParams.set("edge_token_transfer", "true");
  if (options.loginHint !== undefined) url.searchParams.set("login_hint", options.loginHint);
  if (options.prompt !== undefined) url.searchParams.set("prompt", options.prompt);
  url.searchParams.set("redirect_url", back.href);
  url.searchParams.set("send_org_token", "true");
  url.searchParams.set("token", token);
  return url;
}

async function showTheWay(
  context: Context,
  url: URL,
  keys: TransferKeyPair,
  options: BrowserLoginOptions,
): Promise<void> {
  const code = `Approve the sign-in of this terminal only if the page shows this code: ${loginCode(keys.publicKey)}`;
  context.tell(code);
  const opened = options.openBrowser && (await openBrowser(context, url));
  const page = ["Open this page in a browser:", "", `  ${url.href}`, ""];
  if (opened) page[0] = "A browser window should have opened. If not, open this page:";
  // No phone reaches a loopback name.
  const mayShow = !opened && context.onTerminal && !isLoopbackHost(url.hostname);
  const hasQr =
    (options.qr ?? mayShow) &&
    (await showQrCode(context, url, [code, ...page], options.qr === true));
  // The QR code may have pushed it out of sight.
  if (hasQr) context.tell(code);
  for (const line of page) context.tell(line);
}

/** Opens the box; whatever is wrong with it is the relay's fault and is told as that (case C3). */
function readBox(
  application: Application,
  keys: TransferKeyPair,
  response: HttpResponse,
): TransferredTokens {
  const senderKey = response.headers[headers.servicePublicKey];
  try {
    if (typeof senderKey !== "string")
      throw new ProtocolError("bad_key", "the sender's key is missing");
    return openTokens(response.body, keys, decodeTransferKey(senderKey));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CliError(
      "unverified",
      `${new URL(application.relay).origin} sent something that is not the token: ${error.message}. Start again with: postern access login`,
    );
  }
}
