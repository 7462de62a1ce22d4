// Everybody who could ask, as far as some policies can tell them apart: dimension → its values. Of
// values that no rule names one stands for all; each dimension has such a one where there are any.
import ipaddr from "ipaddr.js";
import type { Atom } from "../model/rules/atom.ts";
import { claimPattern } from "../model/rules/claim-pattern.ts";
import { type Address, formatNetwork, parseAddress, parseNetwork } from "../network.ts";
import { lettersOf, type PatternPart, wordsOf } from "./pattern-words.ts";

/** The values of each dimension, those first that say most to people. */
export type IdentitySpace = ReadonlyMap<string, readonly string[]>;

/** What exists beside what rules name. */
export interface Surroundings {
  /** ids */
  providers: readonly string[];
  serviceTokens: readonly string[];
  applications: readonly string[];
  /** `host/path` of the requests in question */
  urls: readonly string[];
}

/** Values of dimensions that are either so or not. */
const flagValues = ["no", "yes"] as const;

/** Names of dimensions of which there is one for each value that rules name. */
export const flags = {
  amr: (value: string) => `amr ${value}`,
  claim: (name: string, value: string) => `claim ${JSON.stringify([name, value])}`,
  /** the provider leaves the claim out, or states more than can be judged */
  claimRest: (name: string) => `claim ${JSON.stringify([name])}`,
  audience: (value: string) => `audience ${value}`,
  workloadClaim: (name: string, value: string) => `workload ${JSON.stringify([name, value])}`,
};

/** How many letters of patterns are followed at most. */
const patternStates = 20_000;

/**
 * The values that some rules tell apart.
 * @throws {TooManyWords} when patterns of claims are too many
 */
export function identitySpace(atoms: readonly Atom[], surroundings: Surroundings): IdentitySpace {
  const space = new Map<string, readonly string[]>([
    ["email", emails(atoms)],
    ["provider", [...namesOf(atoms, providerOf), ...surroundings.providers]],
    ["service_token", [...surroundings.serviceTokens, ...namesOf(atoms, tokenOf), "another"]],
    ["linked_app", [...surroundings.applications, ...namesOf(atoms, linkedOf)]],
    ["issuer", [...namesOf(atoms, issuerOf), ""]],
    ["address", addresses(atoms)],
    ["country", withAnother(namesOf(atoms, countryOf), ["AQ", "BV", "TF", "UM"], "").concat("")],
    ["method", withAnother(namesOf(atoms, methodsOf), ["GET", "POST", "PUT", "DELETE"], "OTHER")],
    ["url", surroundings.urls],
  ]);
  for (const flag of flagsOf(atoms)) space.set(flag, flagValues);
  return new Map([...space].map(([name, values]) => [name, [...new Set(values)]]));
}

function namesOf(atoms: readonly Atom[], read: (atom: Atom) => readonly string[]): string[] {
  return [...new Set(atoms.flatMap(read))];
}

function providerOf(atom: Atom): string[] {
  if (atom.of === "provider") return [atom.id];
  return atom.of === "claim" ? [atom.provider] : [];
}

function tokenOf(atom: Atom): string[] {
  return atom.of === "service_token" ? [atom.id] : [];
}

function linkedOf(atom: Atom): string[] {
  return atom.of === "linked_app" ? [atom.id] : [];
}

function countryOf(atom: Atom): string[] {
  return atom.of === "country" ? [atom.code] : [];
}

function methodsOf(atom: Atom): readonly string[] {
  return atom.of === "method" ? atom.oneOf : [];
}

/** An issuer, and where its keys are. */
export function issuerOf(atom: Atom): string[] {
  if (atom.of !== "workload") return [];
  const { issuer, jwks_uri } = atom.terms;
  return [JSON.stringify([issuer, jwks_uri ?? null])];
}

/** Names, and one that is none of them: the first that there is, else one that is made up. */
function withAnother(names: readonly string[], others: readonly string[], made: string): string[] {
  const another = others.find((each) => !names.includes(each)) ?? made;
  return [...names, another];
}

/** Every address that a rule names, one more of each domain, and one of no domain that it names. */
function emails(atoms: readonly Atom[]): string[] {
  const named = new Set<string>();
  const domains = new Set<string>();
  for (const atom of atoms) {
    if (atom.of === "email") for (const email of atom.oneOf) named.add(email);
    if (atom.of === "email_domain") domains.add(atom.domain);
  }
  let elsewhere = "elsewhere.example";
  const isNamed = (domain: string) => domains.has(domain);
  while (isNamed(elsewhere)) elsewhere = `another.${elsewhere}`;
  const others = [...domains, elsewhere].map((domain) => someoneAt(domain, named));
  return [...named, ...others];
}

function someoneAt(domain: string, named: ReadonlySet<string>): string {
  let local = "someone";
  while (named.has(`${local}@${domain}`)) local = `${local}-else`;
  return `${local}@${domain}`;
}

/**
 * An address for each way in which networks can overlap: that of their beginnings, and that behind
 * their ends.
 */
function addresses(atoms: readonly Atom[]): string[] {
  const texts = new Set(["192.0.2.1", "2001:db8::1", "0.0.0.0", "::"]);
  for (const atom of atoms) {
    if (atom.of !== "address") continue;
    for (const text of atom.networks) for (const edge of edgesOf(text)) texts.add(edge);
  }
  return [...texts];
}

function edgesOf(text: string): string[] {
  const reading = parseNetwork(text);
  if (!reading.ok) return [];
  const { base } = reading.network;
  const cidr = formatNetwork(reading.network);
  const isV4 = base.kind() === "ipv4";
  const first = isV4
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
    : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  const last = lastAddress(first.toByteArray(), reading.network.bits);
  const behind = successorOf(last);
  const edges = [first.toByteArray(), ...(behind === undefined ? [] : [behind])];
  return edges.map((bytes) => canonicalText(ipaddr.fromByteArray(bytes)));
}

/** As the gateway has it: IPv4 inside IPv6 is IPv4. */
function canonicalText(address: Address): string {
  return parseAddress(address.toString())?.toString() ?? address.toString();
}

function lastAddress(first: readonly number[], bits: number): number[] {
  return first.map((byte, index) => {
    const ownBits = Math.min(8, Math.max(0, bits - index * 8));
    return byte | (0xff >> ownBits);
  });
}

/** @returns undefined behind the last address of all */
function successorOf(bytes: readonly number[]): number[] | undefined {
  const next = [...bytes];
  for (let index = next.length - 1; index >= 0; index--) {
    const byte = next[index] ?? 0;
    next[index] = (byte + 1) & 0xff;
    if (byte < 0xff) return next;
  }
  return undefined;
}

function flagsOf(atoms: readonly Atom[]): string[] {
  const names: string[] = [];
  for (const atom of atoms) {
    if (atom.of === "amr") names.push(flags.amr(atom.value));
    if (atom.of === "claim")
      names.push(flags.claim(atom.name, atom.value), flags.claimRest(atom.name));
    if (atom.of === "workload") names.push(flags.audience(atom.terms.audience));
  }
  for (const [claim, words] of workloadWords(atoms))
    names.push(...words.map((word) => flags.workloadClaim(claim, word)));
  return [...new Set(names)];
}

/**
 * claim → values of it that its patterns tell apart: a program may have any of them, and several.
 * @throws {TooManyWords}
 */
export function workloadWords(atoms: readonly Atom[]): Map<string, string[]> {
  const patterns = new Map<string, Set<string>>();
  for (const atom of atoms) {
    if (atom.of !== "workload") continue;
    for (const [name, value] of Object.entries(atom.terms.claims)) {
      const ofClaim = patterns.get(name) ?? new Set();
      for (const pattern of [value].flat()) ofClaim.add(pattern);
      patterns.set(name, ofClaim);
    }
  }
  return new Map([...patterns].map(([name, each]) => [name, wordsForClaim([...each])]));
}

function wordsForClaim(patterns: readonly string[]): string[] {
  const words = wordsOf(patterns.map(claimParts), {
    ...{ start: "", separator: "", others: "xyzkqwv", limit: patternStates },
    ...{ mayFollow: () => true, endOf: () => "", isWhole: () => true },
  });
  // What no pattern fits makes no difference.
  return words.filter((word) => patterns.some((pattern) => claimPattern(pattern)(word)));
}

function claimParts(pattern: string): PatternPart[] {
  const texts = pattern.split(/(\*+)/).filter((text) => text !== "");
  return texts.flatMap((text): PatternPart[] => {
    if (!text.startsWith("*")) return lettersOf(text);
    return [{ any: "run", except: text.length > 1 ? undefined : "/" }];
  });
}
