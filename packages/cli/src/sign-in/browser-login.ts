// The login that needs a person: show where to approve, poll the relay, open the sealed box
// (wire-protocol 6.4 to 6.8). Keys are fresh for every login and never touch the disk (case C2).
import {
  decodeTransferKey,
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
import type { HttpResponse } from "../net/http-message.ts";
import { keyForSignIn } from "../store/bound-key.ts";
import type { Application } from "../store/known-hosts.ts";
import { longAddress, openingOf, type PageWishes, shortAddress } from "./approval-address.ts";
import { LoginScreen } from "./login-screen.ts";
import { openBrowser } from "./open-browser.ts";
import { openMailbox } from "./open-mailbox.ts";
import { confirmDelivery, mailboxOf, type Progress, pollRelay } from "./relay-poll.ts";

export interface BrowserLoginOptions extends PageWishes {
  openBrowser: boolean;
  /** undefined: where no browser could be opened, a phone can reach the page and there is room */
  qr: boolean | undefined;
  /** a team of Cloudflare's own for US federal agencies, which has a relay of its own */
  federal?: boolean;
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
  // 1. The mailbox is opened before there is an address to show: the short one names it.
  const keys = generateTransferKeyPair();
  const code = loginCode(keys.publicKey);
  const relayed = { ...application, relay: relayFor(application, options) };
  const mailbox = mailboxOf(relayed, keys.publicKey);
  const jkt = keyForSignIn(context, application.team)?.thumbprint;
  const opening = openingOf(app, application, options, jkt);
  const isOpen = await openMailbox(context, mailbox, opening);
  if (!isOpen && opening.grant !== undefined) throw noGrants(app);
  const address = isOpen ? shortAddress(app, keys) : longAddress(app, opening, keys);
  announce(address.href, code);

  // 2. The poll comes before the page: approving is offered only while one is held.
  const deadline = performance.now() + options.timeout;
  const timeLeft = () => deadline - performance.now();
  const screen = new LoginScreen(context, { address, code, timeLeft });
  const onProgress = (progress: Progress) => screen.progress(progress);
  const answer = pollRelay(context, mailbox, { timeout: options.timeout, onProgress });
  answer.catch(() => {});

  // 3. The person is shown the way, and answers.
  try {
    const isBrowserOpen = options.openBrowser && (await openBrowser(context, address));
    await screen.show({ isBrowserOpen, qr: options.qr });
    const tokens = readBox(application, keys, await answer);
    return { tokens, confirm: () => confirmDelivery(context, mailbox) };
  } finally {
    screen.end();
  }
}

/** The long address has no room for a grant, and would ask for the whole session. */
function noGrants({ origin }: AppUrl): CliError {
  return new CliError(
    "failure",
    `the gateway of ${origin} did not take the request for a grant; serve your whole session with: postern access http ${origin}`,
  );
}

/** Cloudflare's relay for federal agencies replaces its other one, and nobody else's. */
function relayFor({ relay }: Application, { federal }: BrowserLoginOptions): string {
  if (federal !== true) return relay;
  return relay.replace(
    "https://login.cloudflareaccess.org/",
    "https://login.fed.cloudflareaccess.org/",
  );
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
