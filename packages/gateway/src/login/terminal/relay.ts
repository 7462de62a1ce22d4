// The relay: where a terminal fetches its tokens (wire-protocol 6.6 and 6.7). It holds ciphertext
// only. A terminal polls the mailbox of its public key; each poll is held open until a person has
// answered, or for as long as clients wait. The box is there until the terminal has it.
import { setTimeout as pause } from "node:timers/promises";
import {
  decodeShortTransferKey,
  decodeTransferKey,
  endpoints,
  headers,
  ProtocolError,
} from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Clock } from "../../clock.ts";
import { networkOf, sameNetwork } from "../../network.ts";
import type { NetworkRates, Rate } from "../../network-budget.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { StoredTransfer } from "../../storage/store.ts";
import type { StrangerLimits } from "../../stranger-limits.ts";
import { isFromBrowser } from "../fetch-metadata.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { Deliveries } from "./deliveries.ts";
import {
  hasExpired,
  isWaiting,
  type Mailboxes,
  type MailboxWait,
  mailboxId,
  mailboxLifeMs,
} from "./mailboxes.ts";
import { readOpening } from "./opening.ts";
import { PollSeats } from "./poll-seats.ts";
import { isLater, knownProgress, progressOf } from "./progress.ts";
import { delivery, empty, progressAnswer, refusal, relayMethods } from "./relay-answers.ts";
import type { RelaySettings } from "./relay-settings.ts";

const userAgentLength = 200;
/** Mailboxes that all networks together may open in the life of one, and the reserve beyond. */
const mailboxesInAll = { most: 6_000, reserve: 2_000 };
/** How many times longer the answer 429 is held back that a terminal gets again. */
const repeatedBusyFactor = 6;

/** What the relay is made from. */
export interface RelayParts {
  mailboxes: Mailboxes;
  settings: RelaySettings;
  limits: Pick<StrangerLimits, "admitMailbox" | "hasTurnedAway">;
  record: RecordEvent;
  now: Clock;
}

/** How many mailboxes may be opened. @param perNetwork in the life of one */
export function mailboxRates(perNetwork: number): NetworkRates {
  return {
    perNetwork: inMailboxLife(perNetwork),
    inAll: inMailboxLife(mailboxesInAll.most),
    reserve: inMailboxLife(mailboxesInAll.reserve),
  };
}

/** Answers the polls of terminals, and knows which it holds. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #seats: PollSeats;
  readonly #deliveries: Deliveries;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#seats = new PollSeats(parts.settings);
    this.#deliveries = new Deliveries(parts);
  }

  /** Whether the terminal of this mailbox was turned away: its network began too many sign-ins. */
  async hasRefused(id: string): Promise<boolean> {
    return this.#parts.limits.hasTurnedAway(id);
  }

  /** Answers `/transfer/<key>`. */
  async answer(c: LoginContext): Promise<Response> {
    const { facts } = c.var;

    // 1. A poll is the GET of a program, with a key, on a host of the relay.
    if (!isRelayHost(facts)) return c.notFound();
    // HEAD would take the one delivery and show nothing of it.
    if (!relayMethods.has(facts.method)) return this.#refuse(c, 405, "method_not_allowed");
    if (isFromBrowser(c)) return this.#refuse(c, 403, "browser");
    const key = readKey(facts);
    if (key === undefined) return this.#refuse(c, 400, "bad_key");

    // 2. A terminal says that it has its box.
    const id = mailboxId(key);
    if (facts.method === "DELETE") return this.#confirm(c, id);

    // 3. Only so many polls are held.
    const network = networkOf(facts.clientIp);
    if (!this.#seats.take(network)) return this.#refuse(c, 429, "busy");
    try {
      return await (facts.method === "POST" ? this.#open(c, id, key) : this.#poll(c, id));
    } finally {
      this.#seats.leave(network);
    }
  }

  /** `POST`: says what the terminal asks for, and counts as its first poll (wire-protocol 6.4). */
  async #open(c: LoginContext, id: string, key: Uint8Array): Promise<Response> {
    const { mailboxes } = this.#parts;
    const reading = await readOpening(c.req.raw, c.var.facts.catalog, key);
    if (!reading.ok) return this.#refuse(c, reading.status, reading.error, reading);
    const isRepeated = await this.hasRefused(id);
    if (!isRepeated && (await mailboxes.find(id)) !== undefined)
      return this.#refuse(c, 409, "already_open");
    if (!(await this.#isAdmitted(c, id))) return this.#turnAway(c, isRepeated);

    const lease = mailboxes.nextLease();
    const opening = JSON.stringify(reading.opening);
    const transfer = { ...this.#newMailbox(c, id, lease), opening };
    if (!(await mailboxes.add(transfer))) return this.#refuse(c, 409, "already_open");
    try {
      // The first poll follows at once, and finds its lease written.
      await mailboxes.hold(transfer, lease);
    } finally {
      mailboxes.hangUp(id);
    }
    return empty(201);
  }

  async #poll(c: LoginContext, id: string): Promise<Response> {
    const { mailboxes, settings } = this.#parts;
    const { signal } = c.req.raw;
    const bell = mailboxes.listen(id);
    try {
      // 4. The first poll opens the mailbox.
      const lease = mailboxes.nextLease();
      const isRepeated = await this.hasRefused(id);
      const existing = isRepeated ? undefined : await mailboxes.find(id);
      const transfer = existing ?? (await this.#openMailbox(c, id, lease));
      if (transfer === undefined) return await this.#turnAway(c, isRepeated);

      // 5. A poll from elsewhere ends it: somebody else holds the same key (case C4).
      if (!sameNetwork(transfer.address, c.var.facts.clientIp))
        return await this.#endMailbox(c, transfer);

      // 6. The poll is held until a person has answered.
      try {
        await mailboxes.hold(transfer, lease);
        const deadline = performance.now() + settings.holdMs;
        return await this.#awaitAnswer(c, { bell, id, transfer, deadline, signal, isPoll: true });
      } finally {
        // A terminal that asks twice at once stays on the line until its last poll ends.
        mailboxes.hangUp(id);
      }
    } finally {
      bell.stop();
    }
  }

  /** @param isRepeated the terminal was told before, and may wait longer */
  async #turnAway(c: LoginContext, isRepeated: boolean): Promise<Response> {
    const { busyMs } = this.#parts.settings;
    const ms = isRepeated ? repeatedBusyFactor * busyMs : busyMs;
    await pause(ms, undefined, { signal: c.req.raw.signal }).catch(() => undefined);
    return this.#refuse(c, 429, "too_many_logins");
  }

  /** Records a first poll. @returns undefined when the network has opened too many mailboxes */
  async #openMailbox(
    c: LoginContext,
    id: string,
    lease: number,
  ): Promise<StoredTransfer | undefined> {
    if (!(await this.#isAdmitted(c, id))) return undefined;
    return this.#parts.mailboxes.open(this.#newMailbox(c, id, lease));
  }

  async #isAdmitted(c: LoginContext, id: string): Promise<boolean> {
    return this.#parts.limits.admitMailbox(id, networkOf(c.var.facts.clientIp));
  }

  #newMailbox(c: LoginContext, id: string, lease: number): StoredTransfer {
    const createdAt = this.#parts.now();
    return {
      id,
      address: c.var.facts.clientIp,
      user_agent: (c.req.header("user-agent") ?? "").slice(0, userAgentLength),
      created_at: createdAt,
      expires_at: createdAt + mailboxLifeMs,
      held_until: lease,
      state: "waiting",
      body: null,
      service_public_key: null,
      session_id: null,
      opening: null,
      progress: null,
    };
  }

  async #awaitAnswer(c: LoginContext, wait: MailboxWait): Promise<Response> {
    const { mailboxes, now } = this.#parts;
    const { id, signal, deadline } = wait;
    const confirms = c.req.header(headers.transferConfirm) === "1";

    // A box that is being written to another poll is that one's, unless its connection breaks.
    const isOthers = () => !confirms && this.#deliveries.isUnderWay(id);
    const known = knownProgress(c);
    const isNews = (transfer: StoredTransfer) =>
      known !== undefined && isLater(progressOf(transfer), known);
    const isOver = (transfer: StoredTransfer | undefined) => {
      if (transfer === undefined) return true;
      if (isWaiting(transfer, now())) return isNews(transfer);
      return !isOthers();
    };
    const transfer = await mailboxes.waitUntil(isOver, wait);

    if (transfer === undefined || hasExpired(transfer, now()))
      return this.#refuse(c, 410, "expired");
    switch (transfer.state) {
      case "waiting":
        return isNews(transfer) ? progressAnswer(progressOf(transfer)) : empty();
      case "sealed":
        // Nobody is there to take it: it stays for the next poll.
        if (signal?.aborted === true || performance.now() >= deadline) return empty();
        if (isOthers()) return this.#awaitAnswer(c, { ...wait, transfer });
        if (!confirms) this.#deliveries.begin(id, c.env.isWritten);
        return delivery(transfer);
      case "delivered":
        return this.#refuse(c, 410, "expired");
      case "policy":
        return this.#refuse(c, 410, "policy", progressOf(transfer));
      case "refused":
      case "expired":
      case "address":
        return this.#refuse(c, 410, transfer.state);
    }
  }

  /** `DELETE`: the terminal has read its box, which is emptied. */
  async #confirm(c: LoginContext, id: string): Promise<Response> {
    const { mailboxes } = this.#parts;
    const transfer = await mailboxes.find(id);
    if (transfer === undefined) return this.#refuse(c, 410, "expired");
    if (!sameNetwork(transfer.address, c.var.facts.clientIp))
      return this.#refuse(c, 410, "address");
    switch (transfer.state) {
      case "waiting":
        return this.#refuse(c, 409, "not_answered");
      case "sealed":
        await mailboxes.move(id, "sealed", "delivered");
        return empty();
      case "delivered":
        return empty();
      case "refused":
      case "policy":
      case "expired":
      case "address":
        return this.#refuse(c, 410, transfer.state);
    }
  }

  /** Ends a mailbox for everybody, unless it was answered finally before. */
  async #endMailbox(c: LoginContext, { id, state }: StoredTransfer): Promise<Response> {
    const { mailboxes, record } = this.#parts;
    const isOpen = state === "waiting" || state === "sealed";
    const hasEnded =
      isOpen &&
      ((await mailboxes.move(id, "waiting", "address")) ||
        (await mailboxes.move(id, "sealed", "address")));
    if (hasEnded) record({ event: "transfer_ended", ...requestFields(c.var.facts) });
    const isAddress = hasEnded || state === "address";
    return this.#refuse(c, 410, isAddress ? "address" : "expired");
  }

  /** What ended a mailbox is in the log already; every other refusal is written down here. */
  #refuse(
    c: LoginContext,
    status: number,
    error: string,
    details?: { message?: string; email?: string | undefined },
  ): Response {
    const fields = requestFields(c.var.facts);
    if (status !== 410) this.#parts.record({ event: "poll_refused", ...fields, status, error });
    return refusal(status, error, details);
  }
}

/** A rate that lets so many mailboxes be open at a time. */
function inMailboxLife(burst: number): Rate {
  return { burst, perSecond: burst / (mailboxLifeMs / 1000) };
}

function isRelayHost({ host, catalog }: RequestFacts): boolean {
  return host === catalog.teamHost || catalog.relayHosts.has(host);
}

/**
 * The key in `/transfer/<key>`; undefined when it is not 32 bytes in the one spelling. An opening
 * may spell it as the short address does.
 */
function readKey({ method, path }: RequestFacts): Uint8Array | undefined {
  try {
    const text = decodeURIComponent(path.slice(endpoints.transfer.length));
    const isShort = method === "POST" && !text.endsWith("=");
    return isShort ? decodeShortTransferKey(text) : decodeTransferKey(text);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof URIError) return undefined;
    throw error;
  }
}
