// Which terminals are on the line. For polls of this process memory says so. Other processes of the
// store read a lease there (`held_until`), which covers several polls. It is written when a poll
// begins that the lease before does not nearly cover, and taken back when nobody has polled again
// for a moment: a stranger who polls and hangs up without end causes next to no writes. A process
// that has relied on the lease of another hears of that, and writes one of its own.
import type { Clock } from "../../clock.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { StoredTransfer, TransferStore } from "../../storage/store.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { Tally } from "./tally.ts";

/** How much of a poll its lease may leave out, as a share. */
const uncoveredShare = 0.2;

/** What presence is made from. */
export interface PresenceParts {
  transfers: Pick<TransferStore, "hold" | "release">;
  settings: Pick<RelaySettings, "holdMs" | "leaseMs" | "hangUpMs">;
  record: RecordEvent;
  now: Clock;
}

/** The terminals whose polls this process holds, and what it tells other processes of them. */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #polls = new Tally();
  /** mailbox → the lease that this process wrote, milliseconds since the epoch */
  readonly #leases = new Map<string, number>();

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** The end of a lease that begins now, milliseconds since the epoch. */
  nextLease(): number {
    return this.#parts.now() + this.#parts.settings.leaseMs;
  }

  /** Whether a poll of the mailbox is being held, here or in another process. */
  isHeld({ id, held_until }: StoredTransfer): boolean {
    if (this.#polls.of(id) > 0) return true;
    // Nobody polls here any more: what this process wrote says nothing.
    return held_until > this.#parts.now() && held_until !== this.#leases.get(id);
  }

  /**
   * A poll of the mailbox begins. It must `end`, whatever comes of this.
   * @param lease `nextLease` of this poll; the mailbox that it opened has that one already
   */
  async begin({ id, held_until }: StoredTransfer, lease: number): Promise<void> {
    this.#polls.enter(id);
    if (held_until === lease) this.#leases.set(id, lease);
    else await this.#cover(id, Math.max(held_until, this.#leases.get(id) ?? 0), lease);
  }

  /**
   * A mailbox has changed: another process may have taken back the lease that covers polls here.
   */
  async renew(transfer: StoredTransfer): Promise<void> {
    const { id, held_until } = transfer;
    if (this.#polls.of(id) > 0) await this.#cover(id, held_until, this.nextLease());
  }

  /** Writes the lease, unless the existing one covers nearly all of a poll that begins now. */
  async #cover(id: string, existingLease: number, lease: number): Promise<void> {
    const { transfers, settings, now } = this.#parts;
    if (existingLease >= now() + settings.holdMs * (1 - uncoveredShare)) return;
    this.#leases.set(id, lease);
    await transfers.hold(id, lease);
  }

  /** A poll of the mailbox has ended. */
  end(id: string): void {
    if (this.#polls.leave(id) > 0 || !this.#leases.has(id)) return;
    setTimeout(() => void this.#hangUp(id), this.#parts.settings.hangUpMs).unref();
  }

  async #hangUp(id: string): Promise<void> {
    const { transfers, record, now } = this.#parts;
    const lease = this.#leases.get(id);
    if (lease === undefined || this.#polls.of(id) > 0) return;
    this.#leases.delete(id);
    if (lease <= now()) return;
    try {
      await transfers.release(id, lease);
    } catch (error) {
      // The gateway is closing: the lease runs out by itself.
      record({ event: "poll_not_released", error: String(error) });
    }
  }
}
