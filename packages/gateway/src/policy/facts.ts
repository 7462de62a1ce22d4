// The facts that decisions are made of, as they are written down, stated in a test, or asked about:
// no more than policies name, and each may be left out. What is left out is neither yes nor no.
import { defined } from "../defined.ts";
import { claimAt } from "../model/claim-path.ts";
import type { Identity, Principal, Workload } from "../model/identity.ts";
import type { Atom } from "../model/rules/atom.ts";
import { claimValues } from "../model/rules/oidc.ts";
import type { Subject } from "../model/rules/rule.ts";

/**
 * The values of one claim. `null` among them: what else the provider says cannot be judged, or it
 * says nothing of the claim.
 */
export type ClaimValues = readonly (string | null)[];

/** What is known of somebody who asks. A field that is absent is not known. */
export interface Facts {
  kind: Principal["kind"];
  email?: string;
  /** id of the identity provider */
  login_method?: string;
  auth_methods?: readonly string[];
  /** name → values */
  claims?: Readonly<Record<string, ClaimValues>>;
  /** id of the service token */
  service_token?: string;
  /** id of the application whose token a program showed */
  linked_app?: string;
  /** of a program with a token of another issuer */
  workload?: Workload;
  ip?: string;
  /** `null`: nobody knows where the address is */
  country?: string | null;
  request?: Subject["request"];
}

/** The field that answers what an atom asks; undefined where nothing need be known. */
export type FactName = Exclude<keyof Facts, "kind">;

/** Claims with more values than this, or longer ones, are not written down. */
const limits = { values: 100, length: 200 };

/** The facts of a subject that some rules ask for. */
export function factsOf(subject: Subject, atoms: readonly Atom[]): Facts {
  const { principal } = subject;
  const named = new Set(atoms.flatMap(factNames));
  const { ip, country = null, request } = subject;
  return defined({
    kind: principal.kind,
    ...personFacts(principal, atoms, named),
    ...programFacts(principal, atoms),
    ip: named.has("ip") ? ip : undefined,
    country: named.has("country") ? country : undefined,
    request: named.has("request") ? request : undefined,
  });
}

/** The facts that an atom asks for, whoever it is about. */
export function factNames(atom: Atom): FactName[] {
  switch (atom.of) {
    case "email":
    case "email_domain":
      return ["email"];
    case "provider":
      return ["login_method"];
    case "amr":
      return ["auth_methods"];
    case "claim":
      return ["login_method", "claims"];
    case "service_token":
      return ["service_token"];
    case "linked_app":
      return ["linked_app"];
    case "workload":
      return ["workload"];
    case "address":
      return ["ip"];
    case "country":
      return ["country"];
    case "method":
    case "path":
      return ["request"];
    case "everyone":
    case "any_service_token":
    case "group":
    case "unjudged":
      return [];
  }
}

function personFacts(
  principal: Principal,
  atoms: readonly Atom[],
  named: ReadonlySet<FactName>,
): Pick<Facts, "email" | "login_method" | "auth_methods" | "claims"> {
  if (principal.kind !== "person" && principal.kind !== "linked") return {};
  const { email, idp, amr } = principal.identity;
  return defined({
    email: named.has("email") ? email : undefined,
    login_method: named.has("login_method") ? idp.id : undefined,
    auth_methods: named.has("auth_methods") ? amr : undefined,
    claims: claimFacts(principal.identity, atoms),
  });
}

function claimFacts(identity: Identity, atoms: readonly Atom[]): Facts["claims"] {
  const names = new Set(atoms.flatMap((atom) => (atom.of === "claim" ? atom.name : [])));
  const entries: [string, ClaimValues][] = [];
  for (const name of names) {
    const { values, isComplete } = claimValues(identity, name);
    const isShort = values.every((value) => value.length <= limits.length);
    if (values.length > limits.values || !isShort) continue;
    entries.push([name, isComplete ? values : [...values, null]]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function programFacts(
  principal: Principal,
  atoms: readonly Atom[],
): Pick<Facts, "service_token" | "linked_app" | "workload"> {
  switch (principal.kind) {
    case "service":
      return { service_token: principal.tokenId };
    case "linked":
      return { linked_app: principal.application.id };
    case "workload":
      return { workload: workloadFacts(principal.workload, atoms) };
    default:
      return {};
  }
}

/** A workload with those of its claims that rules name. */
function workloadFacts(workload: Workload, atoms: readonly Atom[]): Workload {
  const claims: Record<string, unknown> = {};
  for (const atom of atoms) {
    if (atom.of !== "workload") continue;
    for (const name of Object.keys(atom.terms.claims)) {
      const value = claimAt(workload.claims, name);
      if (value !== undefined) claims[name] = value;
    }
  }
  return { ...workload, claims };
}

/** Whether the facts say what an atom asks, be it yes or no. */
export function isStated(facts: Facts, atom: Atom): boolean {
  switch (atom.of) {
    case "everyone":
    case "any_service_token":
    case "unjudged":
    case "group":
      return true;
    case "claim":
      return isClaimStated(facts, atom);
    case "address":
    case "country":
    case "method":
    case "path":
      return factNames(atom).every((name) => facts[name] !== undefined);
    case "service_token":
      return facts.kind !== "service" || facts.service_token !== undefined;
    case "linked_app":
      return facts.kind !== "linked" || facts.linked_app !== undefined;
    case "workload":
      return facts.kind !== "workload" || facts.workload !== undefined;
    default:
      return (
        !isAboutPerson(facts.kind) || factNames(atom).every((name) => facts[name] !== undefined)
      );
  }
}

/** Whether there is an identity: somebody's own, or of whom an application acts for. */
function isAboutPerson(kind: Facts["kind"]): boolean {
  return kind === "person" || kind === "linked";
}

/** The claims of another provider than somebody signed in with need not be known. */
function isClaimStated(facts: Facts, atom: Atom & { of: "claim" }): boolean {
  const { kind, login_method, claims = {} } = facts;
  if (!isAboutPerson(kind)) return true;
  if (login_method === undefined) return false;
  return login_method !== atom.provider || Object.hasOwn(claims, atom.name);
}

/** Somebody of whom the facts hold. What they leave out is made up: ask `isStated` before. */
export function subjectOf(facts: Facts): Subject {
  const { ip = "", country, request = "none" } = facts;
  return { principal: principalOf(facts), ip, country: country ?? undefined, request };
}

const noWorkload: Workload = {
  issuer: "",
  jwksUri: undefined,
  subject: "",
  audiences: [],
  claims: {},
  expiresAt: 0,
};

function principalOf(facts: Facts): Principal {
  switch (facts.kind) {
    case "person":
      return { kind: "person", identity: identityOf(facts) };
    case "service":
      return { kind: "service", tokenId: facts.service_token ?? "", clientId: "" };
    case "workload":
      return { kind: "workload", workload: facts.workload ?? noWorkload };
    case "linked": {
      const application = { id: facts.linked_app ?? "", name: "" };
      return { kind: "linked", application, identity: identityOf(facts) };
    }
    case "anonymous":
      return { kind: "anonymous" };
  }
}

function identityOf({ email, login_method, auth_methods, claims = {}, ip }: Facts): Identity {
  // A map is what no rule can compare.
  const fields = Object.entries(claims).map(
    ([name, values]) => [name, values.map((value) => value ?? {})] as const,
  );
  return {
    email: email ?? "",
    name: "",
    idp: { id: login_method ?? "", type: "" },
    groups: [],
    oidc_fields: Object.fromEntries(fields),
    amr: [...(auth_methods ?? [])],
    ip: ip ?? "",
    country: "",
    iat: 0,
  };
}
