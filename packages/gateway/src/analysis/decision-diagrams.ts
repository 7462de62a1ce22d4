// Sets of combinations, as decision diagrams: a node asks for the value of one dimension, and its
// child for that value goes on. Every set has exactly one diagram, so that an empty one is seen at
// once, whatever it was made of (Bryant 1986, with several values instead of two). Few combinations
// are ever written out; where a set needs too many nodes all the same, that is said.

/** A set needs more nodes than were allowed. */
export class TooManyNodes extends Error {
  override readonly name = "TooManyNodes";
}

/** A diagram, by number. Two sets are equal where their numbers are. */
export type Diagram = number;

export const nothing: Diagram = 0;
export const everything: Diagram = 1;

/** Keys of pairs are numbers: no diagram has one of this size. */
const pairBase = 2 ** 26;

interface Node {
  dimension: number;
  /** by value */
  children: readonly Diagram[];
}

/** Makes diagrams over the same dimensions. */
export class DecisionDiagrams {
  readonly #sizes: readonly number[];
  readonly #limit: number;
  /** the first two stand for nothing and everything */
  readonly #nodes: Node[];
  readonly #numbers = new Map<string, Diagram>();
  readonly #unions = new Map<number, Diagram>();
  readonly #complements = new Map<Diagram, Diagram>();

  /** Steps cost time as nodes cost memory: each node is worth this many of them. */
  static readonly #stepsPerNode = 20;

  /**
   * @param sizes how many values each dimension has, in the order in which nodes ask for them
   * @param limit of nodes
   */
  constructor(sizes: readonly number[], limit: number) {
    this.#sizes = sizes;
    this.#limit = limit;
    const end: Node = { dimension: sizes.length, children: [] };
    this.#nodes = [end, end];
  }

  /** The combinations of which one dimension has one of these values. @throws {TooManyNodes} */
  where(dimension: number, holds: (value: number) => boolean): Diagram {
    const values = Array.from({ length: this.#sizes[dimension] ?? 0 }, (_, value) => value);
    return this.#node(
      dimension,
      values.map((value) => (holds(value) ? everything : nothing)),
    );
  }

  /** @throws {TooManyNodes} */
  complement(set: Diagram): Diagram {
    if (set === nothing) return everything;
    if (set === everything) return nothing;
    const done = this.#complements.get(set);
    if (done !== undefined) return done;
    const { dimension, children } = this.#at(set);
    const result = this.#node(
      dimension,
      children.map((child) => this.complement(child)),
    );
    this.#complements.set(set, result);
    return result;
  }

  /** @throws {TooManyNodes} */
  union(one: Diagram, other: Diagram): Diagram {
    if (one === everything || other === everything) return everything;
    if (one === nothing || one === other) return other;
    if (other === nothing) return one;
    const key = Math.min(one, other) * pairBase + Math.max(one, other);
    const done = this.#unions.get(key);
    if (done !== undefined) return done;

    const dimension = Math.min(this.#at(one).dimension, this.#at(other).dimension);
    const size = this.#sizes[dimension] ?? 0;
    const children: Diagram[] = [];
    for (let value = 0; value < size; value++)
      children.push(
        this.union(this.#child(one, dimension, value), this.#child(other, dimension, value)),
      );
    const result = this.#node(dimension, children);
    this.#unions.set(key, result);
    if (this.#unions.size > this.#limit * DecisionDiagrams.#stepsPerNode) throw new TooManyNodes();
    return result;
  }

  /** @throws {TooManyNodes} */
  intersection(one: Diagram, other: Diagram): Diagram {
    return this.complement(this.union(this.complement(one), this.complement(other)));
  }

  /**
   * One combination of a set: dimension → value, without those that make no difference. Of several
   * values the first counts.
   * @returns undefined for the empty set
   */
  member(set: Diagram): Map<number, number> | undefined {
    if (set === nothing) return undefined;
    const values = new Map<number, number>();
    for (let at = set; at !== everything; ) {
      const { dimension, children } = this.#at(at);
      const value = children.findIndex((child) => child !== nothing);
      values.set(dimension, value);
      at = children[value] ?? everything;
    }
    return values;
  }

  #at(set: Diagram): Node {
    const node = this.#nodes[set];
    if (node === undefined) throw new Error(`there is no diagram ${set}`);
    return node;
  }

  #child(set: Diagram, dimension: number, value: number): Diagram {
    const node = this.#at(set);
    return node.dimension === dimension ? (node.children[value] ?? nothing) : set;
  }

  #node(dimension: number, children: readonly Diagram[]): Diagram {
    const [first = nothing] = children;
    if (children.every((child) => child === first)) return first;
    const key = `${dimension}:${children.join()}`;
    const existing = this.#numbers.get(key);
    if (existing !== undefined) return existing;
    if (this.#nodes.length >= this.#limit) throw new TooManyNodes();
    const number = this.#nodes.push({ dimension, children }) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}
