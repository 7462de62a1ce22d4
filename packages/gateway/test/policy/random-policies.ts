// Policies, groups and askers drawn at random from few words, so that they often meet: rules of
// every kind that can be judged and of one that cannot, groups inside groups, some inside
// themselves or gone.
import type {
  Group,
  Identity,
  List,
  Policy,
  PolicyAction,
  Principal,
  Rule,
  Workload,
} from "../../src/model/model.ts";
import type { Subject } from "../../src/model/rules/rule.ts";

/** A source of numbers that gives the same ones for the same seed (mulberry32). */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** from 0 to below `size` */
  below(size: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % size;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  some<Item>(items: readonly Item[]): Item[] {
    return items.filter(() => this.below(3) === 0);
  }

  /** true once in `size` times */
  rarely(size: number): boolean {
    return this.below(size) === 0;
  }
}

const emails = ["ada@a.example", "bob@a.example", "cy@b.example"];
const domains = ["a.example", "b.example"];
const providers = ["corp", "pin"];
const methods = ["mfa", "hwk"];
const claims = [
  ["groups", "eng"],
  ["groups", "ops"],
  ["Groups", "eng"],
  ["team", "red"],
  ["team.lead", "red"],
] as const;
const networks = [
  "10.0.0.0/8",
  "10.0.0.0/9",
  "10.128.0.0/9",
  "10.1.0.0/16",
  "10.1.2.3",
  "::ffff:10.1.2.3",
  "2001:db8::/32",
  "2001:db8:1::/48",
];
const tokens = ["t1", "t2"];
const countries = ["PT", "DE"];
const verbs = ["GET", "POST"];
const paths = ["/", "/a", "/a/b", "/a/*", "/*/b", "/a*b"];
export const requestPaths = [
  ...["/", "/a", "/a/", "/ab", "/a/b", "/a/b/c", "/x/b", "/axb", "/A/b", "/a;x/b"],
];
const linkedIds = ["portal", "wiki"];
const groupIds = ["g1", "g2", "g3", "gone"];
const patterns = ["acme/shop", "acme/*", "acme/**", "*/shop", "main"];

/** Names of what conditions may ask of programs with tokens of other issuers. */
const issuer = "https://issuer.example";
const audiences = ["one", "two"];

export function drawRule(draws: Draws): Rule {
  switch (draws.below(18)) {
    case 0:
      return { everyone: {} };
    case 1:
      return { email: { email: draws.one(emails) } };
    case 2:
      return { email_domain: { domain: draws.one(domains) } };
    case 3:
      return { login_method: { id: draws.one(providers) } };
    case 4:
      return { auth_method: { auth_method: draws.one(methods) } };
    case 5: {
      const [claim_name, claim_value] = draws.one(claims);
      const identity_provider_id = draws.one(providers);
      return { oidc: { claim_name, claim_value, identity_provider_id } };
    }
    case 6:
      return { ip: { ip: draws.one(networks) } };
    case 7:
      return { service_token: { token_id: draws.one(tokens) } };
    case 8:
      return { any_valid_service_token: {} };
    case 9:
      return { oidc_token: drawWorkloadRule(draws) };
    case 10:
      return { group: { id: draws.one(groupIds) } };
    case 11:
      return { email_list: { id: draws.one(["people", "nets", "gone"]) } };
    case 12:
      return { ip_list: { id: draws.one(["nets", "nets", "people"]) } };
    case 13:
      return { geo: { country_code: draws.one(countries) } };
    case 14:
      return { method: { method: draws.one([draws.one(verbs), verbs]) } };
    case 15:
      return { path: { path: draws.one(paths) } };
    case 16:
      return { linked_app_token: { app_uid: draws.one(linkedIds) } };
    default:
      return draws.rarely(2) ? { device_posture: { integration_uid: "x" } } : { everyone: {} };
  }
}

function drawWorkloadRule(draws: Draws): object {
  const names = draws.rarely(2) ? ["repository"] : ["repository", "ref"];
  const entries = names.map((name) => [
    name,
    draws.one([draws.one(patterns), draws.some(patterns)]),
  ]);
  const claims = Object.fromEntries(
    entries.map(([name, value]) => [name, value?.length === 0 ? "main" : value]),
  );
  return { issuer, audience: draws.one(audiences), claims };
}

function drawSet(draws: Draws) {
  const rules = (size: number) => Array.from({ length: draws.below(size) }, () => drawRule(draws));
  return { include: [drawRule(draws), ...rules(3)], require: rules(2), exclude: rules(2) };
}

const actions: readonly PolicyAction[] = ["allow", "allow", "deny", "bypass", "non_identity"];

export function drawPolicies(draws: Draws): Policy[] {
  return Array.from({ length: 1 + draws.below(4) }, (_, index) => ({
    id: `p${index}`,
    name: `policy ${index}`,
    decision: draws.one(actions),
    ...drawSet(draws),
  }));
}

export function drawGroups(draws: Draws): Map<string, Group> {
  const ids = groupIds.filter((id) => id !== "gone");
  return new Map(ids.map((id) => [id, { id, name: id, ...drawSet(draws) }]));
}

export const lists: ReadonlyMap<string, List> = new Map(
  [
    { id: "people", name: "people", type: "EMAIL" as const, items: itemsOf(emails.slice(1)) },
    { id: "nets", name: "nets", type: "IP" as const, items: itemsOf(networks.slice(3, 5)) },
  ].map((list) => [list.id, list]),
);

function itemsOf(values: readonly string[]): List["items"] {
  return values.map((value) => ({ value }));
}

const addresses = [
  ...["9.255.255.255", "10.0.0.0", "10.1.2.3", "10.1.2.4", "10.127.255.255", "10.200.0.1"],
  ...["11.0.0.0", "2001:db7:ffff::", "2001:db8::1", "2001:db8:1::1", "2001:db9::"],
];
const otherEmails = ["dee@a.example", "eve@b.example", "ada@c.example", "ada@sub.a.example"];

function drawIdentity(draws: Draws): Identity {
  const names = [...new Set(claims.map(([name]) => name))];
  const fields = draws.some(names).map((name) => [name, drawClaim(draws, name)]);
  const identity = {
    email: draws.one([...emails, ...otherEmails]),
    name: "",
    idp: { id: draws.one([...providers, "other"]), type: "oidc" },
    groups: draws.some(["eng", "ops", "else"]),
    oidc_fields: Object.fromEntries(fields),
    amr: draws.some([...methods, "pwd"]),
    ip: "192.0.2.1",
    country: "",
    iat: 0,
  };
  return draws.rarely(2) ? identity : { ...identity, known_claims: draws.some(names) };
}

function drawClaim(draws: Draws, name: string): unknown {
  const values = claims.filter((each) => each[0] === name).map((each) => each[1]);
  const single = draws.one<unknown>([...values, "else", true, { eng: 1 }, null]);
  return draws.rarely(3) ? single : draws.some<unknown>([...values, "else", { map: true }]);
}

export function drawSubject(draws: Draws): Subject {
  const method = draws.one([...verbs, "HEAD", "PUT"]);
  const path = draws.one(requestPaths);
  return {
    principal: drawPrincipal(draws),
    ip: draws.one(addresses),
    country: draws.one([...countries, "FR", undefined]),
    request: draws.one([{ method, path }, { method, path }, "awaited", "none"]),
  };
}

function drawPrincipal(draws: Draws): Principal {
  switch (draws.below(8)) {
    case 0:
      return { kind: "anonymous" };
    case 1: {
      const tokenId = draws.one([...tokens, "t3"]);
      return { kind: "service", tokenId, clientId: tokenId };
    }
    case 2:
      return { kind: "workload", workload: drawWorkload(draws) };
    case 3: {
      const id = draws.one([...linkedIds, "other"]);
      return { kind: "linked", application: { id, name: id }, identity: drawIdentity(draws) };
    }
    default:
      return { kind: "person", identity: drawIdentity(draws) };
  }
}

function drawWorkload(draws: Draws): Workload {
  const texts = ["acme/shop", "acme/other", "acme/a/shop", "main", "else", "x/shop"];
  return {
    issuer: draws.one([issuer, "https://other.example"]),
    jwksUri: undefined,
    subject: "job",
    audiences: draws.some([...audiences, "three"]),
    claims: { repository: draws.one([draws.one(texts), draws.some(texts)]), ref: "main" },
    expiresAt: 0,
  };
}
