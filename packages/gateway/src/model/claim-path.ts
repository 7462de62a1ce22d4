// Names of claims as rules and `claims` write them. Providers nest claims (`realm_access.roles` of
// Keycloak), and have dots in plain names as well (`https://example.com/roles` of Auth0).
import { isMap } from "./read-value.ts";

/**
 * The claim of this name: of this very name, or at the path that its dots write. In a list of maps
 * the rest of the path holds for each. Own properties only: `constructor` is no claim of anybody's.
 * @returns undefined when there is none
 */
export function claimAt(claims: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  // The longest name first: a key may have dots of its own.
  for (const dot of dotsOf(name).reverse()) {
    const parent = name.slice(0, dot);
    if (!Object.hasOwn(claims, parent)) continue;
    const value = claimInside(claims[parent], name.slice(dot + 1));
    if (value !== undefined) return value;
  }
  return undefined;
}

function claimInside(value: unknown, rest: string): unknown {
  if (isMap(value)) return claimAt(value, rest);
  if (!Array.isArray(value)) return undefined;
  const values = value.flatMap((item) => (isMap(item) ? (claimAt(item, rest) ?? []) : []));
  return values.length === 0 ? undefined : values;
}

/** Whether a list of names covers a claim: it has the claim, or something that holds it. */
export function coversClaim(names: Iterable<string>, claim: string): boolean {
  for (const name of names) if (name === claim || claim.startsWith(`${name}.`)) return true;
  return false;
}

/** A claim named `groups`, in any case, holds the groups (access-features 6). */
export function isGroupsClaim(name: string): boolean {
  return name.toLowerCase() === "groups";
}

/** Whether a value has one text that rules can compare: maps and lists have none. */
export function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** Where the dots of a name are, from left to right. */
function dotsOf(name: string): number[] {
  return [...name.matchAll(/\./g)].map(({ index }) => index);
}
