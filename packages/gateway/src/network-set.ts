// Many networks at once: whether one of them holds an address. They are kept as ranges in order,
// with those that touch or overlap made one, so that an address is found by halving.
import type { Address, Network } from "./network.ts";

/** The ranges of one family, ascending: the nth is from the nth start to the nth end. */
interface Ranges {
  starts: readonly bigint[];
  ends: readonly bigint[];
}

/** Networks and addresses of both families. */
export class NetworkSet {
  readonly #ipv4: Ranges;
  readonly #ipv6: Ranges;

  constructor(networks: readonly Network[]) {
    this.#ipv4 = rangesOf(networks.filter(({ base }) => base.kind() === "ipv4"));
    this.#ipv6 = rangesOf(networks.filter(({ base }) => base.kind() === "ipv6"));
  }

  /** Whether one of the networks holds the address; never when it is of another family. */
  has(address: Address): boolean {
    const { starts, ends } = address.kind() === "ipv4" ? this.#ipv4 : this.#ipv6;
    const number = numberOf(address);
    const end = ends[lastAtMost(starts, number)];
    return end !== undefined && number <= end;
  }
}

function rangesOf(networks: readonly Network[]): Ranges {
  const ranges = networks.map(rangeOf).sort((a, b) => (a.start < b.start ? -1 : 1));
  const starts: bigint[] = [];
  const ends: bigint[] = [];
  for (const { start, end } of ranges) {
    const before = ends.at(-1);
    if (before === undefined || start > before + 1n) {
      starts.push(start);
      ends.push(end);
    } else if (end > before) ends[ends.length - 1] = end;
  }
  return { starts, ends };
}

function rangeOf({ base, bits }: Network): { start: bigint; end: bigint } {
  const length = base.kind() === "ipv4" ? 32 : 128;
  const size = 1n << BigInt(length - bits);
  const start = numberOf(base) & ~(size - 1n);
  return { start, end: start + size - 1n };
}

function numberOf(address: Address): bigint {
  return BigInt(`0x${Buffer.from(address.toByteArray()).toString("hex")}`);
}

/** The place of the last number that is not above the limit; -1 where there is none. */
function lastAtMost(ascending: readonly bigint[], limit: bigint): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const number = ascending[middle];
    if (number !== undefined && number <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
