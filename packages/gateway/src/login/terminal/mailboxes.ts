// The mailboxes of the relay (wire-protocol 6.7), as this process sees them. The store says how a
// mailbox stands, for every process that serves it. Whoever waits for one is woken when this
// process changes it, and when another process is said to have.
import { createHash } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { StoredTransfer, TransferStore } from "../../storage/store.ts";
import { Bells } from "./bells.ts";

/** A person's answer to a terminal. */
export type MailboxAnswer =
  | { state: "refused" | "policy" }
  | { state: "sealed"; body: string; servicePublicKey: string };

/** The mailbox of a terminal's public key. */
export function mailboxId(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Whether the mailbox still waits for a person's answer. */
export function isWaiting(transfer: StoredTransfer, now: number): boolean {
  return transfer.state === "waiting" && transfer.expires_at > now;
}

/** Whether a terminal is on the line: only then may a person approve (case C5). */
export function isHeld(transfer: StoredTransfer, now: number): boolean {
  return isWaiting(transfer, now) && transfer.held_until > now;
}

/** The mailboxes of the store, with a bell for each that somebody waits for. */
export class Mailboxes {
  readonly #transfers: TransferStore;
  readonly #now: Clock;
  readonly #lookAgainMs: number;
  readonly #bells = new Bells();
  /** how often polls were let go */
  #releases = 0;

  constructor(parts: { transfers: TransferStore; now: Clock; lookAgainMs: number }) {
    this.#transfers = parts.transfers;
    this.#now = parts.now;
    this.#lookAgainMs = parts.lookAgainMs;
  }

  /** The mailbox as it stands; undefined before the first poll. */
  find(id: string): Promise<StoredTransfer | undefined> {
    return this.#transfers.find(id);
  }

  /**
   * The same, after waiting up to `ms` for a poll: terminals leave short gaps between two polls.
   */
  findWithPoll(id: string, ms: number): Promise<StoredTransfer | undefined> {
    const isReady = (transfer: StoredTransfer | undefined) => {
      if (transfer === undefined) return false;
      return isHeld(transfer, this.#now()) || !isWaiting(transfer, this.#now());
    };
    return this.readUntil(isReady, { id, ms });
  }

  /** Opens the mailbox of a first poll. @returns the mailbox as it is, opened now or before */
  open(transfer: StoredTransfer): Promise<StoredTransfer> {
    return this.#transfers.open(transfer);
  }

  /** Notes until when a poll is held, milliseconds; 0 when none is. */
  async hold(id: string, until: number): Promise<void> {
    await this.#transfers.hold(id, until);
    this.#bells.ring(id);
  }

  /** Leaves `waiting` for an answer. @returns false when the mailbox was not waiting any more */
  answer(id: string, answer: MailboxAnswer): Promise<boolean> {
    if (answer.state !== "sealed") return this.move(id, "waiting", answer.state);
    const { body, servicePublicKey } = answer;
    return this.move(id, "waiting", "sealed", { body, service_public_key: servicePublicKey });
  }

  /** Leaves `from` for another state. @returns false when the mailbox was in another than `from` */
  async move(
    id: string,
    from: StoredTransfer["state"],
    to: StoredTransfer["state"],
    sealed?: { body: string; service_public_key: string },
  ): Promise<boolean> {
    const hasMoved = await this.#transfers.move(id, { from, to, now: this.#now(), sealed });
    this.#bells.ring(id);
    return hasMoved;
  }

  /** Wakes whoever waits for a mailbox that another process changed; without an id, everybody. */
  changed(id?: string): void {
    if (id === undefined) this.#bells.ringAll();
    else this.#bells.ring(id);
  }

  /** Ends every wait of a poll, whatever its mailbox says. */
  releasePolls(): void {
    this.#releases += 1;
    this.#bells.ringAll();
  }

  /**
   * Reads a mailbox again and again, whenever it may have changed.
   * @param wait ends after `ms`, or when `signal` says that nobody waits any more; that of a poll,
   * when polls are let go
   * @returns the mailbox that `isReady` took, or the last that was read
   */
  async readUntil(
    isReady: (transfer: StoredTransfer | undefined) => boolean,
    wait: { id: string; ms: number; signal?: AbortSignal; isPoll?: boolean },
  ): Promise<StoredTransfer | undefined> {
    const { id, ms, signal, isPoll } = wait;
    const releases = this.#releases;
    const bell = this.#bells.listen(id);
    const deadline = performance.now() + ms;
    try {
      for (;;) {
        const transfer = await this.#transfers.find(id);
        const leftMs = deadline - performance.now();
        if (isReady(transfer) || leftMs <= 0 || signal?.aborted === true) return transfer;
        if (isPoll === true && this.#releases !== releases) return transfer;
        const untilExpiryMs = (transfer?.expires_at ?? Number.POSITIVE_INFINITY) - this.#now();
        await bell.wait(Math.max(0, Math.min(leftMs, this.#lookAgainMs, untilExpiryMs)), signal);
      }
    } finally {
      bell.stop();
    }
  }
}
