// The mailboxes of the relay (wire-protocol 6.7), as this process sees them. The store says how a
// mailbox stands, for every process that serves it. Whoever waits for one is woken when this
// process changes it, and when another process is said to have; nobody reads meanwhile.
import { createHash } from "node:crypto";
import { type Clock, isOver } from "../../clock.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { SealedAnswer, StoredTransfer, TransferStore } from "../../storage/store.ts";
import { type Bell, Bells } from "./bells.ts";
import { Presence } from "./presence.ts";
import { isLater, type Progress, progressOf } from "./progress.ts";
import type { RelaySettings } from "./relay-settings.ts";

/** A person's answer to a terminal. */
export type MailboxAnswer =
  | { state: "refused" | "policy" }
  | { state: "sealed"; box: SealedAnswer };

/** What mailboxes are made from. */
export interface MailboxParts {
  transfers: TransferStore;
  settings: RelaySettings;
  record: RecordEvent;
  now: Clock;
}

/** A wait for a mailbox. */
export interface MailboxWait {
  /** listens since before `transfer` was read */
  bell: Bell;
  id: string;
  /** the mailbox as it was read last */
  transfer: StoredTransfer | undefined;
  /** when it ends at the latest, by `performance.now()` */
  deadline: number;
  /** says that nobody waits any more */
  signal?: AbortSignal;
  /** a poll, which ends early when polls are let go */
  isPoll?: boolean;
}

/** For how long a mailbox is open, milliseconds. */
export const mailboxLifeMs = 10 * 60_000;

/** The mailbox of a terminal's public key. */
export function mailboxId(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Whether the time of the mailbox is over, or was measured by a clock that was ahead. */
export function hasExpired({ expires_at }: StoredTransfer, now: number): boolean {
  return isOver(expires_at, mailboxLifeMs, now);
}

/** Whether the mailbox still waits for a person's answer. */
export function isWaiting(transfer: StoredTransfer, now: number): boolean {
  return transfer.state === "waiting" && !hasExpired(transfer, now);
}

/** The mailboxes of the store, with a bell for each that somebody waits for. */
export class Mailboxes {
  readonly #transfers: TransferStore;
  readonly #now: Clock;
  readonly #lookAgainMs: number;
  readonly #settlingMs: number;
  readonly #presence: Presence;
  readonly #bells = new Bells();
  /** mailboxes whose progress is being written */
  readonly #noting = new Set<string>();
  /** how often polls were let go */
  #releases = 0;

  constructor(parts: MailboxParts) {
    this.#transfers = parts.transfers;
    this.#now = parts.now;
    this.#lookAgainMs = parts.settings.lookAgainMs;
    this.#settlingMs = parts.settings.settlingMs;
    this.#presence = new Presence(parts);
  }

  /** The mailbox as it stands; undefined before the first poll. */
  find(id: string): Promise<StoredTransfer | undefined> {
    return this.#transfers.find(id);
  }

  /** Whether a terminal is on the line: only then may a person approve (case C5). */
  isHeld(transfer: StoredTransfer): boolean {
    return isWaiting(transfer, this.#now()) && this.#presence.isHeld(transfer);
  }

  /**
   * The mailbox once the terminal has done its part: it is on the line, or has taken the answer.
   * Terminals leave short gaps between two polls.
   * @returns the mailbox as it stands after `settlingMs` at the latest
   */
  async findSettled(id: string): Promise<StoredTransfer | undefined> {
    const isSettled = (transfer: StoredTransfer | undefined) => {
      if (transfer === undefined) return false;
      if (isWaiting(transfer, this.#now())) return this.isHeld(transfer);
      return transfer.state !== "sealed" || hasExpired(transfer, this.#now());
    };
    const deadline = performance.now() + this.#settlingMs;
    const bell = this.#bells.listen(id, lineOf(id));
    try {
      return await this.waitUntil(isSettled, { bell, id, transfer: await this.find(id), deadline });
    } finally {
      bell.stop();
    }
  }

  /** Opens the mailbox of a first poll. @returns the mailbox as it is, opened now or before */
  open(transfer: StoredTransfer): Promise<StoredTransfer> {
    return this.#transfers.open(transfer);
  }

  /** Opens the mailbox of a terminal. @returns false when there is one of its key */
  add(transfer: StoredTransfer): Promise<boolean> {
    return this.#transfers.add(transfer);
  }

  /** The end of a lease that begins now, milliseconds since the epoch (presence.ts). */
  nextLease(): number {
    return this.#presence.nextLease();
  }

  /** A poll of the mailbox begins. It must `hangUp`, whatever comes of this. */
  async hold(transfer: StoredTransfer, lease: number): Promise<void> {
    await this.#presence.begin(transfer, lease);
    this.#bells.ring(lineOf(transfer.id));
  }

  /** A poll of the mailbox has ended. */
  hangUp(id: string): void {
    this.#presence.end(id);
  }

  /** Leaves `waiting` for an answer. @returns false when the mailbox was not waiting any more */
  answer(id: string, answer: MailboxAnswer): Promise<boolean> {
    if (answer.state !== "sealed") return this.move(id, "waiting", answer.state);
    return this.move(id, "waiting", "sealed", answer.box);
  }

  /**
   * Notes how far the person at the browser has come. Who is no further than the mailbox says, or
   * is being noted at this moment, causes no write.
   */
  async note(transfer: StoredTransfer, progress: Progress): Promise<void> {
    const { id } = transfer;
    if (!isWaiting(transfer, this.#now()) || !isLater(progress, progressOf(transfer))) return;
    if (this.#noting.has(id)) return;
    this.#noting.add(id);
    try {
      const to = JSON.stringify(progress);
      await this.#transfers.note(id, { from: transfer.progress, to });
    } finally {
      this.#noting.delete(id);
    }
    this.changed(id);
  }

  /** Leaves `from` for another state. @returns false when the mailbox was in another than `from` */
  async move(
    id: string,
    from: StoredTransfer["state"],
    to: StoredTransfer["state"],
    sealed?: SealedAnswer,
  ): Promise<boolean> {
    const hasMoved = await this.#transfers.move(id, { from, to, now: this.#now(), sealed });
    this.changed(id);
    return hasMoved;
  }

  /** Wakes whoever waits for a mailbox that may have changed; without an id, everybody. */
  changed(id?: string): void {
    if (id === undefined) this.#bells.ringAll();
    else this.#bells.ring(id);
  }

  /** Ends every wait of a poll, whatever its mailbox says. */
  releasePolls(): void {
    this.#releases += 1;
    this.#bells.ringAll();
  }

  /** Listens for changes of a mailbox, until it is stopped. */
  listen(id: string): Bell {
    return this.#bells.listen(id);
  }

  /**
   * Reads a mailbox again whenever it may have changed.
   * @returns the mailbox that `isReady` took, or the last that was read
   */
  async waitUntil(
    isReady: (transfer: StoredTransfer | undefined) => boolean,
    { bell, id, deadline, signal, isPoll, ...wait }: MailboxWait,
  ): Promise<StoredTransfer | undefined> {
    const releases = this.#releases;
    let { transfer } = wait;
    for (;;) {
      if (isPoll === true && this.#releases !== releases) return transfer;
      while (bell.takeNews()) {
        transfer = await this.find(id);
        if (isPoll === true) await this.#renewLease(transfer);
      }
      const leftMs = deadline - performance.now();
      if (isReady(transfer) || leftMs <= 0 || signal?.aborted === true) return transfer;
      // What nobody rings for has not changed. Only its time may be over.
      const untilExpiryMs = (transfer?.expires_at ?? Number.POSITIVE_INFINITY) - this.#now();
      const waitMs = Math.max(0, Math.min(leftMs, this.#lookAgainMs, untilExpiryMs));
      await bell.wait(waitMs, signal);
      if (waitMs === this.#lookAgainMs) transfer = await this.find(id);
    }
  }

  /** Another process may have taken back what told it of the poll that waits here. */
  async #renewLease(transfer: StoredTransfer | undefined): Promise<void> {
    if (transfer !== undefined && isWaiting(transfer, this.#now()))
      await this.#presence.renew(transfer);
  }
}

/** Rung when a terminal comes on the line. Polls do not listen for that, but pages do. */
function lineOf(id: string): string {
  return `line ${id}`;
}
