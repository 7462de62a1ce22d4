// Which rules can never hold together. `require` wants all of its rules at once: two countries are
// never both true, and who wrote them meant one or the other (access-features 4.2).
import { contains, parseNetwork } from "../../network.ts";
import type { Atom } from "./atom.ts";

/** The same text for two atoms that say the same, in the same words. */
export function textOfAtom(atom: Atom): string {
  return JSON.stringify(atom);
}

/** Whether no request can fit both; false where that cannot be said. */
export function neverBoth(one: Atom, other: Atom): boolean {
  if (one.of === "email" && other.of === "email") return !shareOne(one.oneOf, other.oneOf);
  if (one.of === "email" && other.of === "email_domain")
    return !one.oneOf.some((email) => email.endsWith(`@${other.domain}`));
  if (one.of === "email_domain" && other.of === "email") return neverBoth(other, one);
  if (one.of === "email_domain" && other.of === "email_domain") return one.domain !== other.domain;
  if (one.of === "country" && other.of === "country") return one.code !== other.code;
  if (one.of === "method" && other.of === "method") return !shareOne(one.oneOf, other.oneOf);
  if (one.of === "service_token" && other.of === "service_token") return one.id !== other.id;
  if (one.of === "linked_app" && other.of === "linked_app") return one.id !== other.id;
  if (one.of === "address" && other.of === "address") return areApart(one.networks, other.networks);
  if (one.of === "path" && other.of === "path") return leadApart(one.patterns, other.patterns);
  const [provider, otherProvider] = [providerOf(one), providerOf(other)];
  if (provider === undefined || otherProvider === undefined) return false;
  return provider !== otherProvider;
}

/** Everybody signs in with one provider. */
function providerOf(atom: Atom): string | undefined {
  if (atom.of === "provider") return atom.id;
  return atom.of === "claim" ? atom.provider : undefined;
}

function shareOne(some: readonly string[], others: readonly string[]): boolean {
  return some.some((each) => others.includes(each));
}

function areApart(some: readonly string[], others: readonly string[]): boolean {
  return some.every((each) => others.every((other) => areTwoPlaces(each, other)));
}

function areTwoPlaces(one: string, other: string): boolean {
  const [first, second] = [parseNetwork(one), parseNetwork(other)];
  if (!first.ok || !second.ok) return false;
  const [wider, narrower] =
    first.network.bits <= second.network.bits
      ? [first.network, second.network]
      : [second.network, first.network];
  return !contains(wider, narrower.base);
}

/** Where a wildcard leads nobody can say. */
function leadApart(some: readonly string[], others: readonly string[]): boolean {
  return some.every((each) => others.every((other) => areTwoPaths(each, other)));
}

function areTwoPaths(one: string, other: string): boolean {
  if (one.includes("*") || other.includes("*")) return false;
  const isBelow = (path: string, above: string) => `${path}/`.startsWith(`${above}/`);
  return one !== "/" && other !== "/" && !isBelow(one, other) && !isBelow(other, one);
}
