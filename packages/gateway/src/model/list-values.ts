// What lists of values hold, and how one of thousands is found without looking at each.
import { type Address, parseNetwork } from "../network.ts";
import { NetworkSet } from "../network-set.ts";

/** What the values of a list are; Cloudflare's other types are of its own network. */
export const listTypes = ["EMAIL", "IP"] as const;

export type ListType = (typeof listTypes)[number];

/** The values of a list. */
export interface ListValues {
  type: ListType;
  /** addresses in lower case, or networks */
  values: readonly string[];
}

/** A list, ready to be asked. */
export interface CompiledList extends ListValues {
  /** @param email lower-case; never true for a list of networks */
  hasEmail(email: string): boolean;
  /** never true for a list of email addresses */
  hasAddress(address: Address): boolean;
}

/** Makes a list ready. */
export function compileList({ type, values }: ListValues): CompiledList {
  const emails = new Set(type === "EMAIL" ? values : []);
  const networks = new NetworkSet(type === "IP" ? values.flatMap(networkIn) : []);
  return {
    type,
    values,
    hasEmail: (email) => emails.has(email),
    hasAddress: (address) => networks.has(address),
  };
}

function networkIn(text: string) {
  const reading = parseNetwork(text);
  return reading.ok ? [reading.network] : [];
}
