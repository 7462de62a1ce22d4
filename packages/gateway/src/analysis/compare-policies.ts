// Who gains and who loses where the policies of an application change: decided for everybody who
// could ask, by diagrams over the values that the rules tell apart. Each example is asked of the
// evaluator itself before it is told.
import type { CompiledPolicy, Decision, Principal } from "../model/model.ts";
import type { Atom } from "../model/rules/atom.ts";
import type { Subject } from "../model/rules/rule.ts";
import { atomsOf } from "../policy/atoms-of.ts";
import { evaluate } from "../policy/evaluate.ts";
import { Admissions } from "./admission.ts";
import { DecisionDiagrams, type Diagram, everything, nothing } from "./decision-diagrams.ts";
import { type IdentitySpace, identitySpace, type Surroundings } from "./identity-space.ts";
import { hasTwoPaths, type Member, type SideName, subjectOf } from "./member-subject.ts";
import { and, not, or, type Term, valueSetsIn } from "./terms.ts";

/** One side of a change. */
export interface PolicySide {
  policies: readonly CompiledPolicy[];
  /** ids of those that hold: of others nobody proves who they are */
  serviceTokens: ReadonlySet<string>;
  applications: ReadonlySet<string>;
  /** ids: with others nobody signs in */
  providers: ReadonlySet<string>;
}

/** Somebody for whom the answer changes. */
export interface AccessExample {
  kind: Principal["kind"];
  /** dimension → value, of those that make a difference */
  member: Member;
  subject: Subject;
  before: Decision;
  after: Decision;
}

/** What a change of policies does. */
export interface PolicyComparison {
  gains: AccessExample[];
  loses: AccessExample[];
}

/** Diagrams of one comparison; beyond this many it is not decided. */
const mostNodes = 50_000;
/** Rules times values that are asked at most. */
const mostQuestions = 20_000_000;

/** A comparison would take too long. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
}

const kinds = ["anonymous", "person", "service", "workload", "linked"] as const;

/**
 * Compares two sides.
 * @throws {TooManyNodes | TooManyWords | TooLarge} when it cannot be decided within bounds
 */
export function comparePolicies(
  before: PolicySide,
  after: PolicySide,
  surroundings: Surroundings,
): PolicyComparison {
  const atoms = [...before.policies, ...after.policies].flatMap(({ rules }) => atomsOf(rules));
  const space = identitySpace(atoms, surroundings);
  checkSize(atoms, space);
  const comparison: PolicyComparison = { gains: [], loses: [] };
  for (const kind of kinds) {
    const found = new KindComparison(kind, space, atoms, before, after);
    comparison.gains.push(...found.examples("gains"));
    comparison.loses.push(...found.examples("loses"));
  }
  return comparison;
}

function checkSize(atoms: readonly Atom[], space: IdentitySpace): void {
  const asked = { address: "address", country: "country", method: "method", path: "url" } as const;
  let questions = 0;
  for (const { of } of atoms)
    if (Object.hasOwn(asked, of))
      questions += space.get(asked[of as keyof typeof asked])?.length ?? 0;
  if (questions > mostQuestions) throw new TooLarge();
}

/** Whom one policy lets in on one side. */
interface SideAdmission {
  term: Term;
  /** without those whom a bypass lets in whoever they are: that is told of strangers */
  told: Term;
}

/** The comparison for askers of one kind. */
class KindComparison {
  readonly #kind: Principal["kind"];
  readonly #space: IdentitySpace;
  readonly #sides: { before: PolicySide; after: PolicySide };
  readonly #admitted: { before: SideAdmission[]; after: SideAdmission[] };

  constructor(
    kind: Principal["kind"],
    space: IdentitySpace,
    atoms: readonly Atom[],
    before: PolicySide,
    after: PolicySide,
  ) {
    this.#kind = kind;
    this.#space = space;
    this.#sides = { before, after };
    const askers = (name: SideName) => {
      const strangers = new Admissions(space, "anonymous", name, atoms);
      const own = kind === "anonymous" ? strangers : new Admissions(space, kind, name, atoms);
      return { strangers, own };
    };
    const askersBefore = askers("before");
    // Where both sides see the same path, what both ask is worked out once.
    const isSplit = (space.get("url") ?? []).some(hasTwoPaths);
    const askersAfter = isSplit ? askers("after") : askersBefore;
    const admittedBy = (side: PolicySide, { strangers, own }: typeof askersBefore) => {
      const isReal = this.#existing(side);
      const ofStrangers = strangers.of(side.policies, strangers).map(({ term }) => term);
      const asStranger = and([or(ofStrangers), not(isReal)]);
      const admissions: SideAdmission[] = own.of(side.policies, strangers).map((each) => ({
        term: and([each.term, isReal]),
        told: and([kind === "anonymous" ? each.term : each.own, isReal]),
      }));
      return [...admissions, { term: asStranger, told: false }];
    };
    this.#admitted = {
      before: admittedBy(before, askersBefore),
      after: admittedBy(after, askersAfter),
    };
  }

  /** One example for each policy by which somebody is let in on one side, and not on the other. */
  examples(direction: "gains" | "loses"): AccessExample[] {
    const { before, after } = this.#admitted;
    const [there, elsewhere] = direction === "gains" ? [after, before] : [before, after];
    const others = or(elsewhere.map(({ term }) => term));
    return there.flatMap(({ told }) => {
      const member = this.#memberOf(and([told, not(others)]));
      return member === undefined ? [] : [this.#example(member, direction)];
    });
  }

  /** Whose proof holds on a side. */
  #existing({ serviceTokens, applications, providers }: PolicySide): Term {
    if (this.#kind === "person") return { dimension: "provider", values: providers };
    if (this.#kind === "service")
      return { dimension: "service_token", values: new Set([...serviceTokens, "another"]) };
    if (this.#kind === "linked") return { dimension: "linked_app", values: applications };
    return true;
  }

  #memberOf(term: Term): Member | undefined {
    if (typeof term === "boolean") return term ? new Map() : undefined;
    const classes = [...valueSetsIn([term])].map(([dimension, sets]) =>
      classify(dimension, this.#space.get(dimension) ?? [], sets),
    );
    const places = new Map(classes.map(({ dimension }, place) => [dimension, place]));
    const diagrams = new DecisionDiagrams(
      classes.map(({ representatives }) => representatives.length),
      mostNodes,
    );
    const done = new Map<Term, Diagram>();
    const drawing: Drawing = { diagrams, classes, places, done };
    const found = diagrams.member(draw(term, drawing));
    if (found === undefined) return undefined;
    const entries = [...found].map(([place, value]): [string, string] => {
      const { dimension = "", representatives = [] } = classes[place] ?? {};
      return [dimension, representatives[value] ?? ""];
    });
    return new Map(entries);
  }

  /** @throws {Error} when the evaluator does not agree: a fault of ours */
  #example(member: Member, direction: "gains" | "loses"): AccessExample {
    const subjectAt = (side: SideName) => subjectOf(this.#kind, member, this.#space, side);
    const before = this.#decide(this.#sides.before, subjectAt("before"));
    const after = this.#decide(this.#sides.after, subjectAt("after"));
    const subject = subjectAt(direction === "gains" ? "after" : "before");
    const isGain = !admits(before) && admits(after);
    const isLoss = admits(before) && !admits(after);
    if (direction === "gains" ? !isGain : !isLoss)
      throw new Error(`an example of who ${direction} is none: ${JSON.stringify([...member])}`);
    return { kind: this.#kind, member, subject, before, after };
  }

  /** Whoever cannot prove who they are is a stranger. */
  #decide(side: PolicySide, subject: Subject): Decision {
    const principal: Principal = isProven(side, subject.principal)
      ? subject.principal
      : { kind: "anonymous" };
    return evaluate({ application: { policies: [...side.policies] }, ...subject, principal });
  }
}

function isProven(
  { serviceTokens, applications, providers }: PolicySide,
  principal: Principal,
): boolean {
  switch (principal.kind) {
    case "person":
      return providers.has(principal.identity.idp.id);
    case "service":
      return principal.tokenId === "another" || serviceTokens.has(principal.tokenId);
    case "linked":
      return applications.has(principal.application.id);
    default:
      return true;
  }
}

/** Whether somebody is let in. */
export function admits({ outcome }: Decision): boolean {
  return outcome === "allow" || outcome === "bypass";
}

/** Values of one dimension that nothing tells apart, in one class. */
interface Classes {
  dimension: string;
  /** value → number of its class */
  classOf: ReadonlyMap<string, number>;
  /** by number: the first value of each */
  representatives: readonly string[];
}

function classify(
  dimension: string,
  values: readonly string[],
  sets: Iterable<ReadonlySet<string>>,
): Classes {
  let classOf = new Map(values.map((value) => [value, 0]));
  for (const set of sets) {
    const numbers = new Map<number, number>();
    const finer = new Map<string, number>();
    for (const [value, number] of classOf) {
      const key = number * 2 + Number(set.has(value));
      const own = numbers.get(key) ?? numbers.size;
      numbers.set(key, own);
      finer.set(value, own);
    }
    classOf = finer;
  }
  const representatives: string[] = [];
  for (const [value, number] of classOf) representatives[number] ??= value;
  return { dimension, classOf, representatives };
}

interface Drawing {
  diagrams: DecisionDiagrams;
  classes: readonly Classes[];
  /** dimension → its place among the classes */
  places: ReadonlyMap<string, number>;
  done: Map<Term, Diagram>;
}

function draw(term: Term, drawing: Drawing): Diagram {
  if (typeof term === "boolean") return term ? everything : nothing;
  const done = drawing.done.get(term);
  if (done !== undefined) return done;
  const diagram = drawJoined(term, drawing);
  drawing.done.set(term, diagram);
  return diagram;
}

function drawJoined(term: Exclude<Term, boolean>, drawing: Drawing): Diagram {
  const { diagrams, classes, places } = drawing;
  if ("dimension" in term) {
    const place = places.get(term.dimension) ?? 0;
    const representatives = classes[place]?.representatives ?? [];
    return diagrams.where(place, (value) => term.values.has(representatives[value] ?? ""));
  }
  if ("not" in term) return diagrams.complement(draw(term.not, drawing));
  if ("or" in term) {
    let union = nothing;
    for (const each of term.or) union = diagrams.union(union, draw(each, drawing));
    return union;
  }
  let intersection = everything;
  for (const each of term.and)
    intersection = diagrams.intersection(intersection, draw(each, drawing));
  return intersection;
}
