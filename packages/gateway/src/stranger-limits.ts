// What strangers may cause before they have proven anything, counted over all processes of a
// gateway: its parts ask here, and know neither the rates nor who counts. One process counts for
// itself; workers ask their keeper (workers/).
import { BoundedCache } from "./bounded-cache.ts";
import type { Stopwatch } from "./clock.ts";
import { NetworkBudget, type NetworkRates } from "./network-budget.ts";

/**
 * Work that is limited by network: signed descriptions of applications, answers of identity
 * providers that are redeemed, PINs that are made, mailboxes that terminals open.
 */
export type LimitedWork = "descriptions" | "provider_answers" | "pins" | "mailboxes";

/** Counts what strangers cause. */
export interface StrangerLimits {
  /**
   * Counts one piece of work.
   * @param network of whoever causes it (network.ts, `networkOf`)
   * @returns whether it may be done
   */
  take(work: LimitedWork, network: string): boolean | Promise<boolean>;
  /**
   * Counts the opening of a mailbox, and remembers one that is turned away.
   * @returns whether it may be opened
   */
  admitMailbox(id: string, network: string): boolean | Promise<boolean>;
  /** Whether this mailbox was turned away within its life. */
  hasTurnedAway(id: string): boolean | Promise<boolean>;
}

/** Mailboxes that were turned away, and whose pages can say so. */
const turnedAwayCapacity = 10_000;

/** What the limits are. */
export interface StrangerRates {
  work: Readonly<Record<LimitedWork, NetworkRates>>;
  /** for how long a mailbox that was turned away is remembered, milliseconds */
  mailboxLifeMs: number;
}

/** The limits of one process, in its memory. */
export class OwnStrangerLimits implements StrangerLimits {
  readonly #elapsed: Stopwatch;
  readonly #mailboxLifeMs: number;
  readonly #budgets: ReadonlyMap<string, NetworkBudget>;
  /** mailbox → when it was turned away, by the stopwatch */
  readonly #turnedAway = new BoundedCache<string, number>(turnedAwayCapacity);

  constructor(elapsed: Stopwatch, { work, mailboxLifeMs }: StrangerRates) {
    this.#elapsed = elapsed;
    this.#mailboxLifeMs = mailboxLifeMs;
    this.#budgets = new Map(
      Object.entries(work).map(([name, rates]) => [name, new NetworkBudget(elapsed, rates)]),
    );
  }

  take(work: LimitedWork, network: string): boolean {
    return this.#budgets.get(work)?.take(network) === true;
  }

  admitMailbox(id: string, network: string): boolean {
    const isAdmitted = this.take("mailboxes", network);
    if (isAdmitted) this.#turnedAway.delete(id);
    else this.#turnedAway.set(id, this.#elapsed());
    return isAdmitted;
  }

  hasTurnedAway(id: string): boolean {
    const turnedAwayAt = this.#turnedAway.get(id) ?? Number.NEGATIVE_INFINITY;
    return turnedAwayAt + this.#mailboxLifeMs > this.#elapsed();
  }
}
