// The login that needs a person: show where to approve, poll the relay, open the sealed box
// (wire-protocol 6.4 to 6.8). Keys are fresh for every login and never touch the disk (case C2).
import { setTimeout as pause } from "node:timers/promises";
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
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type HttpResponse, send, TimeoutError } from "../net/http-client.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";
import { openBrowser } from "./open-browser.ts";

export interface BrowserLoginOptions {
  openBrowser: boolean;
  /** undefined: where no browser could be opened and the terminal can show one */
  qr: boolean | undefined;
  autoClose: boolean;
  /**
   * whom the provider should offer first, and whether it must ask again; names and values are
   * OpenID Connect's
   */
  loginHint: string | undefined;
  prompt: "login" | "select_account" | undefined;
  /** milliseconds */
  timeout: number;
}

const mostPolls = 10;
const pollTimeout = 60_000;
const largestBox = 64 * 1024;

/**
 * Lets the person approve, and waits for it.
 * @param announce told the URL as soon as there is one
 * @returns the tokens, not yet verified
 * @throws {CliError} login_refused | login_timeout | refused_by_policy | unreachable | unverified
 */
export async function loginWithBrowser(
  context: Context,
  app: AppUrl,
  application: Application,
  options: BrowserLoginOptions,
  announce: (url: string) => void,
): Promise<TransferredTokens> {
  const keys = generateTransferKeyPair();
  const url = approvalUrl(app, application, keys, options);
  announce(url.href);
  // The poll comes first: the page offers to approve only while one is held.
  const answer = pollRelay(context, application, keys, options.timeout);
  answer.catch(() => {});
  await showTheWay(context, url, keys, options);
  return readBox(application, keys, await answer);
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
  context.say(
    `Approve the sign-in of this terminal only if the page shows this code: ${loginCode(keys.publicKey)}`,
  );
  const opened = options.openBrowser && (await openBrowser(context, url));
  context.say(
    opened
      ? "A browser window should have opened. If not, open this page:"
      : "Open this page in a browser:",
  );
  context.say("");
  context.say(`  ${url.href}`);
  context.say("");
  if (options.qr ?? (!opened && context.onTerminal))
    await showQrCode(context, url, options.qr === true);
}

async function showQrCode(context: Context, url: URL, asked: boolean): Promise<void> {
  const { renderUnicodeCompact } = await import("uqr");
  const lines = renderUnicodeCompact(url.href, { ecc: "L" }).split("\n");
  const needed = lines[0]?.length ?? 0;
  const columns = terminalColumns();
  if (columns !== undefined && needed > columns) {
    // One that wraps cannot be scanned.
    if (asked)
      context.say(`The QR code needs ${needed} columns, and this terminal has ${columns}.`);
    return;
  }
  for (const line of lines) context.say(line);
}

/**
 * Undefined where standard error is no terminal, or one that does not know. Looking makes only a
 * pipe non-blocking.
 */
function terminalColumns(): number | undefined {
  return process.getBuiltinModule("node:tty").isatty(2)
    ? process.stderr.columns || undefined
    : undefined;
}

/**
 * Polls until there is an answer; the gateway holds every poll open, so there is no pause between
 * two.
 */
async function pollRelay(
  context: Context,
  application: Application,
  keys: TransferKeyPair,
  timeout: number,
): Promise<HttpResponse> {
  const url = new URL(application.relay + encodeTransferKey(keys.publicKey));
  const deadline = Date.now() + timeout;
  let lastFailure: CliError | undefined;
  for (let poll = 0; poll < mostPolls && Date.now() < deadline; poll++) {
    try {
      const wait = Math.max(1, Math.min(pollTimeout, deadline - Date.now()));
      const response = await send(context, {
        method: "GET",
        url,
        timeout: wait,
        limit: largestBox,
      });
      if (response.status === 200) return response;
      if (response.status !== 204 && response.status !== 429)
        throw relayFailure(application, response);
      lastFailure = undefined;
    } catch (error) {
      if (error instanceof CliError && error.code !== "unreachable") throw error;
      if (!(error instanceof CliError || error instanceof TimeoutError)) throw error;
      lastFailure = error instanceof CliError ? error : undefined;
      // A connection that fails at once must not use up all polls in a second.
      if (lastFailure !== undefined)
        await pause(Math.min(1_000, Math.max(0, deadline - Date.now())));
    }
  }
  throw (
    lastFailure ??
    new CliError(
      "login_timeout",
      `nobody approved the sign-in to ${application.app_hostname} in time; start it again`,
    )
  );
}

function relayFailure(application: Application, response: HttpResponse): CliError {
  const again = "start it again with: postern access login";
  if (response.status !== 410) {
    return new CliError(
      "failure",
      `${new URL(application.relay).origin} refused to hand over the token (status ${response.status}); ${again}`,
    );
  }
  let word: unknown;
  try {
    word = (JSON.parse(response.body) as { error?: unknown }).error;
  } catch {
    // Not JSON: the attempt has ended all the same.
  }
  const what = `the sign-in to ${application.app_hostname}`;
  if (word === "policy")
    return new CliError(
      "refused_by_policy",
      `policy does not let the person who signed in reach ${application.app_hostname}; ask its owner`,
    );
  if (word === "refused")
    return new CliError("login_refused", `${what} was refused on the approval page`);
  if (word === "expired")
    return new CliError("login_timeout", `nobody approved ${what} in time; ${again}`);
  if (word === "address")
    return new CliError(
      "login_refused",
      `${what} ended because this machine's address changed meanwhile; ${again}`,
    );
  return new CliError(
    "login_refused",
    `${what} was ended by the gateway${typeof word === "string" ? ` (${printable(word.slice(0, 60))})` : ""}; ${again}`,
  );
}

/** Opens the box; whatever is wrong with it is the relay's fault and says so (case C3). */
function readBox(
  application: Application,
  keys: TransferKeyPair,
  response: HttpResponse,
): TransferredTokens {
  const sender = response.headers[headers.servicePublicKey];
  try {
    if (typeof sender !== "string")
      throw new ProtocolError("bad_key", "the sender's key is missing");
    return openTokens(response.body, keys, decodeTransferKey(sender));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CliError(
      "unverified",
      `${new URL(application.relay).origin} handed over something that is not the token: ${error.message}. Start again with: postern access login`,
    );
  }
}
