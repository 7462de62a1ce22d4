// How many polls are held at a time: so many for each network, so many in all, and a reserve beyond
// that for networks with few polls, so that a flood of polls keeps nobody else from signing in.
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
  readonly #ofNetwork = new Tally();
  #taken = 0;

  constructor({ pollsPerNetwork, pollsInAll }: RelaySettings) {
    this.#perNetwork = pollsPerNetwork;
    this.#inAll = pollsInAll;
  }

  /** Takes a seat, which is to be left again. @returns false when there is none for the network */
  take(network: string): boolean {
    const count = this.#ofNetwork.of(network);
    const mayUseReserve = count < pollsFromReserve;
    const seats = mayUseReserve ? this.#inAll * (1 + reserveShare) : this.#inAll;
    if (count >= this.#perNetwork || this.#taken >= seats) return false;
    this.#ofNetwork.enter(network);
    this.#taken++;
    return true;
  }

  leave(network: string): void {
    this.#ofNetwork.leave(network);
    this.#taken--;
  }
}
