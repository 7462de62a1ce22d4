// The sign-in: everything below the reserved prefix, and the team domain. What a request is was
// read by the data path; the facts ride along, and nothing here looks at the raw URL, `Host` or
// peer again.
import { endpoints, headers as names } from "@postern/protocol";
import { Hono } from "hono";
import type { Catalog, CatalogSource } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import { privateHeaders } from "../http/private-headers.ts";
import type { Exchange } from "../http/transport.ts";
import { answerExchange } from "../http/web-exchange.ts";
import { type RecordEvent, stackOf } from "../observe/events.ts";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import { SshAuthorities } from "../ssh/authorities.ts";
import type { Store } from "../storage/store.ts";
import { StoreOutOfReachError, StoreUnavailableError } from "../store-unavailable.ts";
import type { StrangerLimits } from "../stranger-limits.ts";
import type { ServiceTokenUses } from "../tokens/service-token-uses.ts";
import type { Sessions, Tokens } from "../tokens/tokens.ts";
import { CountedLimits } from "./counted-limits.ts";
import type { LoginContext, LoginEnv } from "./login-context.ts";
import type { SendMail } from "./mail.ts";
import { defaultRetryDelays, MailDelivery } from "./mail-delivery.ts";
import { errorPage } from "./pages/error.ts";
import { homeLink } from "./pages/html.ts";
import { type Page, sendPage } from "./pages/layout.ts";
import { PinLimits } from "./providers/pin-limits.ts";
import { Providers } from "./providers/providers.ts";
import { type LoginParts, routes } from "./routes.ts";
import { sendFailure } from "./ssh/certificate-request.ts";
import { Mailboxes } from "./terminal/mailboxes.ts";
import { Relay } from "./terminal/relay.ts";
import { defaultRelaySettings, type RelaySettings } from "./terminal/relay-settings.ts";

/** What the sign-in is made from. */
export interface LoginOptions {
  store: Store;
  tokens: Tokens;
  sessions: Sessions;
  uses: Pick<ServiceTokenUses, "note">;
  catalogs: CatalogSource;
  secretBox: SecretBox;
  /** undefined when no SMTP server is configured */
  sendMail: SendMail | undefined;
  /** the pauses before a refused message is tried again, milliseconds; default where absent */
  mailRetryDelays: readonly number[] | undefined;
  /** `postern dev` alone: shows the PIN in the gateway's terminal */
  announcePin: ((email: string, pin: string) => void) | undefined;
  /** times and limits of the relay; defaults where absent */
  relay: Partial<RelaySettings> | undefined;
  /** milliseconds for which a client may pause in the middle of a form */
  bodyTimeout: number;
  limits: StrangerLimits;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
}

/** The sign-in, as the rest of the gateway uses it. */
export interface Login {
  /** Answers a request that the data path does not forward. */
  answer(exchange: Exchange, facts: RequestFacts): void;
  /**
   * Wakes whoever waits for a mailbox that another process changed; without an id, everybody who
   * waits.
   */
  transferChanged(id?: string): void;
  /** Answers the terminals that wait, so that they poll again: elsewhere, if this process ends. */
  releasePolls(): void;
  /** Writes down which identity providers cannot be used. Never throws. */
  checkProviders(catalog: Catalog): Promise<void>;
}

/** Makes the sign-in. */
export function createLogin(options: LoginOptions): Login {
  const { record, bodyTimeout } = options;
  const parts = assemble(options);
  const app = createApp(parts);
  return {
    answer(exchange, facts) {
      const isHeld = facts.path.startsWith(endpoints.transfer);
      const request = { url: urlOf(facts), bodyTimeout, isHeld };
      const respond = (web: Request, isWritten: Promise<boolean>) =>
        app.fetch(web, { facts, isWritten });
      answerExchange(exchange, request, respond).catch((error) => {
        record({ event: "answer_failed", ray: facts.rayId, error: String(error) });
        exchange.destroy();
      });
    },
    transferChanged: (id) => parts.mailboxes.changed(id),
    releasePolls: () => parts.mailboxes.releasePolls(),
    checkProviders: (catalog) => parts.providers.check(catalog),
  };
}

function assemble(options: LoginOptions): LoginParts {
  const { store, secretBox, now, elapsed, record, limits } = options;
  const { counters, transfers, sshAuthorities } = store;
  const relaySettings = { ...defaultRelaySettings, ...options.relay };
  const mailboxes = new Mailboxes({ transfers, settings: relaySettings, record, now });
  const pinLimits = new PinLimits({ counters, now, elapsed, strangers: limits });
  return {
    ...options,
    providers: new Providers({ ...options, mail: mailDelivery(options), pinLimits }),
    mailboxes,
    relay: new Relay({ mailboxes, settings: relaySettings, limits, record, now }),
    relaySettings,
    authorities: new SshAuthorities({ store: sshAuthorities, secretBox, now }),
    certificateLimits: new CountedLimits({ counters, now, elapsed }),
  };
}

function mailDelivery(options: LoginOptions): MailDelivery | undefined {
  const { sendMail, mailRetryDelays: retryDelays = defaultRetryDelays } = options;
  return sendMail && new MailDelivery({ ...options, sendMail, retryDelays });
}

function createApp(parts: LoginParts): Hono<LoginEnv> {
  // The path that the data path read, never a second reading of the URL.
  const app = new Hono<LoginEnv>({
    getPath: (_request, options) => options?.env?.facts.path ?? "",
  });
  app.use(async (c, next) => {
    c.set("facts", c.env.facts);
    c.set("record", parts.record);
    await next();
    c.res.headers.set(names.ray, c.env.facts.rayId);
    // What nobody thought of is private (case L20). The keys alone say otherwise.
    if (c.res.headers.has("Cache-Control")) return;
    for (const [name, value] of Object.entries(privateHeaders)) c.res.headers.set(name, value);
  });
  routes(app, parts);
  app.notFound((c) => sendPage(c, notFoundPage(c)));
  app.onError((error, c) => {
    const { rayId: ray } = c.var.facts;
    parts.record({ event: "sign_in_page_failed", ray, error: stackOf(error) });
    const isBusy = error instanceof StoreUnavailableError;
    if (isBusy) c.header("Retry-After", "5");
    if (c.var.facts.path === endpoints.certSign) return sendFailure(c, isBusy);
    return sendPage(c, pageOfFault(error));
  });
  return app;
}

/** With a host that means nothing: who needs scheme or host takes the facts' word for them. */
function urlOf({ path, query }: RequestFacts): string {
  const search = query === "" ? "" : `?${query}`;
  return `http://gateway.invalid${path}${search}`;
}

function notFoundPage(c: LoginContext): Page {
  return errorPage({
    status: 404,
    heading: "No page at this address",
    message:
      "This address is reserved for signing in, and there is no page here. Open the address of the application that you need.",
    next: homeLink(c.var.facts.catalog),
  });
}

function pageOfFault(error: unknown): Page {
  if (error instanceof StoreOutOfReachError) return outOfReachPage;
  return error instanceof StoreUnavailableError ? busyPage : failurePage;
}

const outOfReachPage = errorPage({
  status: 503,
  heading: "Nobody can sign in right now",
  message:
    "The gateway cannot reach its database. Wait a few seconds, then load this page again. If it happens again, tell the people who run this gateway.",
});

const busyPage = errorPage({
  status: 503,
  heading: "The gateway is busy",
  message: "Nothing has been changed. Wait a few seconds, then load this page again.",
});

const failurePage = errorPage({
  status: 500,
  heading: "The gateway made a mistake",
  message:
    "The fault is the gateway's, not yours. Try again in a minute. If it happens again, give the ray ID to the people who run this gateway.",
});
