// How often codes may be requested and tried: what one person needs on a bad day, and far below
// what guessing six digits needs (docs/threat-model.md has the chances). Counting is per network
// and per canonical address, so that neither haste nor another spelling gains tries (case L12).
//
// Nobody may lock somebody else out by using up what an address has. Two shares of each address are
// out of a stranger's reach: one for browsers that signed in as it before, and one for the first
// requests and tries from other networks.
import type { Clock, Stopwatch } from "../../clock.ts";
import { siteOf } from "../../network.ts";
import { type NetworkRates, networksPerSite, type Rate } from "../../network-budget.ts";
import type { CounterStore } from "../../storage/store.ts";
import type { StrangerLimits } from "../../stranger-limits.ts";
import { CountedLimits, type Limit } from "../counted-limits.ts";

/** What is limited: requests for codes, or tries of them. */
interface Limits {
  /** beginning of the counters' names */
  name: string;
  /** one network, all addresses together */
  perNetwork: Limit;
  /** one address, whoever comes first */
  perEmail: Limit;
  /** one address, browsers that signed in as it before */
  perKnownEmail: Limit;
  /** one address, once `perEmail` is used up: what one site may begin with */
  first: Limit;
  /** the same of all sites together */
  firsts: Limit;
}

const minute = 60_000;
const hour = 60 * minute;
const requests: Limits = {
  name: "pin-asks",
  perNetwork: { most: 20, windowMs: hour },
  perEmail: { most: 5, windowMs: 10 * minute },
  perKnownEmail: { most: 5, windowMs: 10 * minute },
  first: { most: 1, windowMs: 10 * minute },
  firsts: { most: 5, windowMs: 10 * minute },
};
const tries: Limits = {
  name: "pin-tries",
  perNetwork: { most: 60, windowMs: hour },
  perEmail: { most: 10, windowMs: hour },
  perKnownEmail: { most: 20, windowMs: hour },
  first: { most: 2, windowMs: hour },
  firsts: { most: 10, windowMs: hour },
};
/** For how long somebody has to wait who requested or tried too many codes, milliseconds. */
export const pinWindows = {
  requestsMs: requests.perEmail.windowMs,
  triesMs: tries.perEmail.windowMs,
};
/** PINs that are made for strangers: what they cause is stored and mailed. */
export const pinRates: NetworkRates = {
  perNetwork: perHour(requests.perNetwork.most),
  inAll: { burst: 5_000, perSecond: 5 },
  reserve: { burst: 2_000, perSecond: 2 },
};

/** Who requests or tries a code. */
export interface PinAsker {
  /** networkOf(address) */
  network: string;
  /** canonical address */
  email: string;
  /** whether this browser has signed in as the address before */
  isKnown: boolean;
}

interface PinLimitsParts {
  counters: CounterStore;
  now: Clock;
  elapsed: Stopwatch;
  strangers: Pick<StrangerLimits, "take">;
}

/** Counts requests and tries in the store, for every process that uses it. */
export class PinLimits {
  readonly #counts: CountedLimits;
  readonly #strangers: PinLimitsParts["strangers"];

  constructor(parts: PinLimitsParts) {
    this.#counts = new CountedLimits(parts);
    this.#strangers = parts.strangers;
  }

  /** Counts a request for a code. @returns whether it may be answered */
  async countRequest(asker: PinAsker): Promise<boolean> {
    if (!asker.isKnown && !(await this.#strangers.take("pins", asker.network))) return false;
    return this.#countFor(asker, requests);
  }

  /** Counts a code that was typed. @returns whether it may be compared */
  countTry(asker: PinAsker): Promise<boolean> {
    return this.#countFor(asker, tries);
  }

  /** Forgets the tries of browsers that signed in as the address: a right code was typed. */
  async clearTries(email: string): Promise<void> {
    await this.#counts.clear(`${tries.name} known ${email}`);
  }

  async #countFor({ network, email, isKnown }: PinAsker, limits: Limits): Promise<boolean> {
    const { name } = limits;
    if (isKnown) return this.#counts.count(`${name} known ${email}`, limits.perKnownEmail);

    if (!(await this.#counts.count(`${name} ${network}`, limits.perNetwork))) return false;
    const site = siteOf(network);
    if (site !== network && !(await this.#counts.count(`${name} ${site}`, siteLimit(limits))))
      return false;
    // Counted from the beginning: who has used up the address's share has no first try any more.
    // By site: the many networks of one must not use up what is kept for others.
    const isFirst = await this.#counts.count(`${name} ${site} ${email}`, limits.first);
    if (await this.#counts.count(`${name} ${email}`, limits.perEmail)) return true;
    return isFirst && this.#counts.count(`${name} first ${email}`, limits.firsts);
  }
}

/** What the networks of one site get together, all addresses. */
function siteLimit({ perNetwork: { most, windowMs } }: Limits): Limit {
  return { most: most * networksPerSite, windowMs };
}

function perHour(burst: number): Rate {
  return { burst, perSecond: burst / 3_600 };
}
