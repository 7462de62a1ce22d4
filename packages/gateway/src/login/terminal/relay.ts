// The relay: the mailbox from which a terminal fetches its tokens (wire-protocol 6.6 and 6.7). It
// holds ciphertext only and hands it out once. The store says how a mailbox stands, for every
// process that serves it; the bell only shortens the wait where approval and poll meet in the same
// process.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { decodeTransferKey, endpoints, headers, ProtocolError } from "@postern/protocol";
import type { Context } from "hono";
import type { Clock } from "../../clock.ts";
import { networkOf, sameNetwork } from "../../network.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { Store, StoredTransfer } from "../../storage/store.ts";
import type { LoginEnv } from "../dependencies.ts";
import type { RelaySettings } from "./relay-settings.ts";

type Bell = () => void;

const defaults: RelaySettings = {
  holdMs: 50_000,
  busyMs: 5_000,
  mailboxesPerNetwork: 60,
  pollsPerNetwork: 200,
};
const mailboxLife = 10 * 60_000;
// Another process may have sealed the mailbox: the store is read this often while a poll is held.
const storeInterval = 400;
const userAgentLength = 200;

export interface Relay {
  /** answers `/transfer/<key>` */
  poll(c: Context<LoginEnv>): Promise<Response>;
  /** the mailbox of a terminal's key; undefined before the first poll */
  mailbox(key: Uint8Array): Promise<StoredTransfer | undefined>;
  /**
   * the same, after waiting up to `ms` for a poll to be held: terminals leave short gaps between
   * two polls
   */
  mailboxWithPoll(key: Uint8Array, ms: number): Promise<StoredTransfer | undefined>;
  /** leaves `waiting` for an answer; false when the mailbox was not waiting any more */
  answer(key: Uint8Array, answer: RelayAnswer): Promise<boolean>;
}

export type RelayAnswer =
  | { state: "refused" | "policy" }
  | { state: "sealed"; body: string; servicePublicKey: string };

/** Whether a terminal is on the line: only then may a person approve (case C5). */
export function isHeld(transfer: StoredTransfer | undefined, now: number): boolean {
  return (
    transfer !== undefined &&
    transfer.state === "waiting" &&
    transfer.held_until > now &&
    transfer.expires_at > now
  );
}

export function createRelay(
  deps: { store: Store; record: RecordEvent; now: Clock },
  settings: Partial<RelaySettings> = {},
): Relay {
  const { store, record, now } = deps;
  const { holdMs, busyMs, mailboxesPerNetwork, pollsPerNetwork } = { ...defaults, ...settings };
  const bells = createBells();
  const pollsOfNetwork = createCounters();
  const pollsOfMailbox = createCounters();

  async function poll(c: Context<LoginEnv>): Promise<Response> {
    const { facts } = c.var;
    const isRelay =
      facts.host === facts.catalog.teamHost || facts.catalog.relayHosts.has(facts.host);
    if (!isRelay) return c.notFound();
    // HEAD would take the one delivery and show nothing of it.
    if (facts.method !== "GET") return json(405, "method_not_allowed", { allow: "GET" });
    if (isBrowser(c.req.raw.headers)) return json(403, "browser");
    const key = readKey(facts.path);
    if (key === undefined) return json(400, "bad_key");

    const network = networkOf(facts.clientIp);
    try {
      if (pollsOfNetwork.enter(network) > pollsPerNetwork)
        return json(429, "busy", { "retry-after": "5" });
      return await answerPoll(c, mailboxId(key), network);
    } finally {
      pollsOfNetwork.leave(network);
    }
  }

  async function answerPoll(c: Context<LoginEnv>, id: string, network: string): Promise<Response> {
    const { signal } = c.req.raw;
    const transfer = (await store.transfers.find(id)) ?? (await open(c, id, network));
    if (transfer === undefined) {
      await pause(busyMs, undefined, { signal }).catch(() => undefined);
      return json(429, "busy", { "retry-after": "5" });
    }
    if (!sameNetwork(transfer.address, c.var.facts.clientIp)) return end(c, id);
    return hold(id, signal);
  }

  /** Records the first poll. Undefined when the network has opened too many. */
  async function open(
    c: Context<LoginEnv>,
    id: string,
    network: string,
  ): Promise<StoredTransfer | undefined> {
    const opened = await store.counters.count(`relay ${network}`, mailboxLife, now());
    if (opened > mailboxesPerNetwork) return undefined;
    return store.transfers.open({
      id,
      address: c.var.facts.clientIp,
      user_agent: (c.req.header("user-agent") ?? "").slice(0, userAgentLength),
      created_at: now(),
      expires_at: now() + mailboxLife,
      held_until: 0,
      state: "waiting",
      body: null,
      service_public_key: null,
    });
  }

  /** Somebody else holds the same key: nobody gets anything (case C4). */
  async function end(c: Context<LoginEnv>, id: string): Promise<Response> {
    const ended =
      (await store.transfers.move(id, { from: "waiting", to: "address", now: now() })) ||
      (await store.transfers.move(id, { from: "sealed", to: "address", now: now() }));
    if (ended)
      record({ event: "transfer_ended", ray: c.var.facts.rayId, ip: c.var.facts.clientIp });
    bells.ring(id);
    const transfer = await store.transfers.find(id);
    return json(410, transfer?.state === "address" ? "address" : "expired");
  }

  async function hold(id: string, signal: AbortSignal): Promise<Response> {
    const bell = bells.listen(id);
    const deadline = performance.now() + holdMs;
    pollsOfMailbox.enter(id);
    try {
      await store.transfers.hold(id, now() + holdMs);
      bells.ring(id);
      for (;;) {
        const answer = await settle(id, signal);
        if (answer !== undefined) return answer;
        const left = deadline - performance.now();
        if (left > 0) await bell.wait(Math.min(left, storeInterval), signal);
        if (left <= 0 || signal.aborted)
          return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
      }
    } finally {
      bell.stop();
      // A terminal that asks twice at once stays on the line until its last poll ends.
      if (pollsOfMailbox.leave(id) === 0) await hangUp(id);
    }
  }

  async function hangUp(id: string): Promise<void> {
    try {
      await store.transfers.hold(id, 0);
    } catch (error) {
      // The gateway is closing: what was noted runs out by itself.
      record({ event: "poll_not_released", error: String(error) });
    }
  }

  /** The answer to a poll of this mailbox, or undefined while it waits. */
  async function settle(id: string, signal: AbortSignal): Promise<Response | undefined> {
    const transfer = await store.transfers.find(id);
    if (transfer === undefined || transfer.expires_at <= now()) return json(410, "expired");
    switch (transfer.state) {
      case "waiting":
        return undefined;
      case "sealed":
        // Nobody is there to take it: it stays for the next poll.
        if (signal.aborted) return undefined;
        return (await store.transfers.move(id, { from: "sealed", to: "delivered", now: now() }))
          ? delivery(transfer)
          : json(410, "expired");
      case "delivered":
        return json(410, "expired");
      case "refused":
      case "policy":
      case "expired":
      case "address":
        return json(410, transfer.state);
    }
  }

  return {
    poll,
    mailbox: (key) => store.transfers.find(mailboxId(key)),
    async mailboxWithPoll(key, ms) {
      const id = mailboxId(key);
      const bell = bells.listen(id);
      const deadline = performance.now() + ms;
      try {
        for (;;) {
          const transfer = await store.transfers.find(id);
          const left = deadline - performance.now();
          const over =
            transfer !== undefined &&
            (transfer.state !== "waiting" || transfer.expires_at <= now());
          if (over || isHeld(transfer, now()) || left <= 0) return transfer;
          await bell.wait(Math.min(left, storeInterval));
        }
      } finally {
        bell.stop();
      }
    },
    async answer(key, answer) {
      const id = mailboxId(key);
      const sealed =
        answer.state === "sealed"
          ? { body: answer.body, service_public_key: answer.servicePublicKey }
          : undefined;
      const moved = await store.transfers.move(id, {
        from: "waiting",
        to: answer.state,
        now: now(),
        sealed,
      });
      bells.ring(id);
      return moved;
    },
  };
}

function mailboxId(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex");
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

function isBrowser(sent: Headers): boolean {
  for (const name of sent.keys())
    if (name === "origin" || name.startsWith("sec-fetch-")) return true;
  return false;
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

function json(status: number, error: string, more: Record<string, string> = {}): Response {
  return Response.json(
    { error },
    {
      status,
      headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...more },
    },
  );
}

/** Who waits for news of which mailbox in this process. */
function createBells() {
  const listeners = new Map<string, Set<Bell>>();
  return {
    ring(id: string): void {
      for (const wake of listeners.get(id) ?? []) wake();
    },
    listen(id: string) {
      let rung = false;
      let wakeUp: Bell | undefined;
      const wake = () => {
        rung = true;
        wakeUp?.();
      };
      const those = listeners.get(id) ?? new Set();
      listeners.set(id, those.add(wake));
      return {
        /** Resolves when rung (also since the last wait), aborted, or after `ms`. */
        async wait(ms: number, signal?: AbortSignal): Promise<void> {
          if (!rung && signal?.aborted !== true) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, ms);
              wakeUp = () => {
                clearTimeout(timer);
                resolve();
              };
              signal?.addEventListener("abort", wakeUp, { once: true });
            });
            if (wakeUp !== undefined) signal?.removeEventListener("abort", wakeUp);
            wakeUp = undefined;
          }
          rung = false;
        },
        stop(): void {
          those.delete(wake);
          if (those.size === 0 && listeners.get(id) === those) listeners.delete(id);
        },
      };
    },
  };
}

function createCounters() {
  const counts = new Map<string, number>();
  return {
    /** @returns how many there are now, this one included */
    enter(key: string): number {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count;
    },
    /** @returns how many are left */
    leave(key: string): number {
      const count = (counts.get(key) ?? 1) - 1;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
      return count;
    },
  };
}
