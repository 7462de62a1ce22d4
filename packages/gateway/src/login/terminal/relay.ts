// The relay: where a terminal fetches its tokens (wire-protocol 6.6 and 6.7). It holds ciphertext
// only and hands it out once. A terminal polls the mailbox of its public key; each poll is held
// open until a person has answered, or for as long as clients wait.
import { setTimeout as pause } from "node:timers/promises";
import { decodeTransferKey, endpoints, headers, ProtocolError } from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Clock } from "../../clock.ts";
import { networkOf, sameNetwork } from "../../network.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { CounterStore, StoredTransfer } from "../../storage/store.ts";
import { isFromBrowser } from "../fetch-metadata.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { isWaiting, type Mailboxes, mailboxId } from "./mailboxes.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { Tally } from "./tally.ts";

const mailboxLifeMs = 10 * 60_000;
const userAgentLength = 200;

/** What the relay is made from. */
export interface RelayParts {
  mailboxes: Mailboxes;
  counters: CounterStore;
  settings: RelaySettings;
  record: RecordEvent;
  now: Clock;
}

/** Answers the polls of terminals, and knows how many it holds. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #pollsOfNetwork = new Tally();
  readonly #pollsOfMailbox = new Tally();

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** Answers `/transfer/<key>`. */
  async poll(c: LoginContext): Promise<Response> {
    const { facts } = c.var;

    // 1. A poll is the GET of a program, with a key, on a host of the relay.
    if (!isRelayHost(facts)) return c.notFound();
    // HEAD would take the one delivery and show nothing of it.
    if (facts.method !== "GET") return refuse(405, "method_not_allowed", { allow: "GET" });
    if (isFromBrowser(c)) return refuse(403, "browser");
    const key = readKey(facts.path);
    if (key === undefined) return refuse(400, "bad_key");

    // 2. Only so many are held for one network.
    const network = networkOf(facts.clientIp);
    try {
      const count = this.#pollsOfNetwork.enter(network);
      if (count > this.#parts.settings.pollsPerNetwork) return busy();
      return await this.#pollMailbox(c, mailboxId(key));
    } finally {
      this.#pollsOfNetwork.leave(network);
    }
  }

  async #pollMailbox(c: LoginContext, id: string): Promise<Response> {
    const { mailboxes, settings } = this.#parts;
    const { signal } = c.req.raw;

    // 3. The first poll opens the mailbox.
    const transfer = (await mailboxes.find(id)) ?? (await openMailbox(c, this.#parts, id));
    if (transfer === undefined) {
      await pause(settings.busyMs, undefined, { signal }).catch(() => undefined);
      return busy();
    }

    // 4. A poll from elsewhere ends it: somebody else holds the same key (case C4).
    if (!sameNetwork(transfer.address, c.var.facts.clientIp)) return endMailbox(c, this.#parts, id);

    // 5. The poll is held until a person has answered.
    this.#pollsOfMailbox.enter(id);
    try {
      await mailboxes.hold(id, this.#parts.now() + settings.holdMs);
      return await awaitAnswer(this.#parts, id, signal);
    } finally {
      // A terminal that asks twice at once stays on the line until its last poll ends.
      if (this.#pollsOfMailbox.leave(id) === 0) await hangUp(this.#parts, id);
    }
  }
}

function isRelayHost({ host, catalog }: RequestFacts): boolean {
  return host === catalog.teamHost || catalog.relayHosts.has(host);
}

/** The key in `/transfer/<key>`; undefined when it is not 32 bytes in the one spelling. */
function readKey(path: string): Uint8Array | undefined {
  try {
    return decodeTransferKey(decodeURIComponent(path.slice(endpoints.transfer.length)));
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof URIError) return undefined;
    throw error;
  }
}

/** Records a first poll. @returns undefined when the network has opened too many mailboxes */
async function openMailbox(
  c: LoginContext,
  { mailboxes, counters, settings, now }: RelayParts,
  id: string,
): Promise<StoredTransfer | undefined> {
  const { clientIp } = c.var.facts;
  const createdAt = now();
  const count = await counters.count(`relay ${networkOf(clientIp)}`, mailboxLifeMs, createdAt);
  if (count > settings.mailboxesPerNetwork) return undefined;
  return mailboxes.open({
    id,
    address: clientIp,
    user_agent: (c.req.header("user-agent") ?? "").slice(0, userAgentLength),
    created_at: createdAt,
    expires_at: createdAt + mailboxLifeMs,
    held_until: 0,
    state: "waiting",
    body: null,
    service_public_key: null,
  });
}

/** Ends a mailbox for everybody, unless it was answered finally before. */
async function endMailbox(
  c: LoginContext,
  { mailboxes, record }: RelayParts,
  id: string,
): Promise<Response> {
  const hasEnded =
    (await mailboxes.move(id, "waiting", "address")) ||
    (await mailboxes.move(id, "sealed", "address"));
  if (hasEnded) record({ event: "transfer_ended", ...requestFields(c.var.facts) });
  const transfer = await mailboxes.find(id);
  return refuse(410, transfer?.state === "address" ? "address" : "expired");
}

async function awaitAnswer(
  { mailboxes, settings, now }: RelayParts,
  id: string,
  signal: AbortSignal,
): Promise<Response> {
  const isOver = (transfer: StoredTransfer | undefined) =>
    transfer === undefined || !isWaiting(transfer, now());
  const transfer = await mailboxes.readUntil(isOver, {
    id,
    ms: settings.holdMs,
    signal,
    isPoll: true,
  });
  if (transfer === undefined || transfer.expires_at <= now()) return refuse(410, "expired");
  switch (transfer.state) {
    case "waiting":
      return noAnswerYet();
    case "sealed":
      // Nobody is there to take it: it stays for the next poll.
      if (signal.aborted) return noAnswerYet();
      if (await mailboxes.move(id, "sealed", "delivered")) return delivery(transfer);
      return refuse(410, "expired");
    case "delivered":
      return refuse(410, "expired");
    case "refused":
    case "policy":
    case "expired":
    case "address":
      return refuse(410, transfer.state);
  }
}

async function hangUp({ mailboxes, record }: RelayParts, id: string): Promise<void> {
  try {
    await mailboxes.hold(id, 0);
  } catch (error) {
    // The gateway is closing: what was noted runs out by itself.
    record({ event: "poll_not_released", error: String(error) });
  }
}

function delivery(transfer: StoredTransfer): Response {
  return new Response(transfer.body, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      [headers.servicePublicKey]: transfer.service_public_key ?? "",
    },
  });
}

function noAnswerYet(): Response {
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}

function busy(): Response {
  return refuse(429, "busy", { "retry-after": "5" });
}

function refuse(status: number, error: string, more: Record<string, string> = {}): Response {
  const fixed = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return Response.json({ error }, { status, headers: { ...fixed, ...more } });
}
