// How many polls are held at a time: so many for each network, so many in all, and a reserve beyond
// that for networks with few polls, so that a flood of polls keeps nobody else from signing in. The
// networks of one IPv6 site get a few networks' worth together.
import { siteOf } from "../../network.ts";
import { networksPerSite } from "../../network-budget.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { Tally } from "./tally.ts";

/** Polls of one network that may use the reserve: one person with several terminals. */
const pollsFromReserve = 5;
/** The reserve, as a share of what is held in all. */
const reserveShare = 0.25;

/** The polls that this process holds. */
export class PollSeats {
  readonly #perNetwork: number;
  readonly #inAll: number;
  /** by network, and by site */
  readonly #polls = new Tally();
  #taken = 0;

  constructor({ pollsPerNetwork, pollsInAll }: RelaySettings) {
    this.#perNetwork = pollsPerNetwork;
    this.#inAll = pollsInAll;
  }

  /** Takes a seat, which is to be left again. @returns false when there is none for the network */
  take(network: string): boolean {
    const site = siteOf(network);
    const share = Math.max(this.#polls.of(network), this.#polls.of(site) / networksPerSite);
    const mayUseReserve = share < pollsFromReserve;
    const seats = mayUseReserve ? this.#inAll * (1 + reserveShare) : this.#inAll;
    if (share >= this.#perNetwork || this.#taken >= seats) return false;
    for (const key of new Set([network, site])) this.#polls.enter(key);
    this.#taken++;
    return true;
  }

  leave(network: string): void {
    for (const key of new Set([network, siteOf(network)])) this.#polls.leave(key);
    this.#taken--;
  }
}
