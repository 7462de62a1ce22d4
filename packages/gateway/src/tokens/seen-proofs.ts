// The proofs of possession that were taken, for as long as they could be sent once more: those of
// the last lifetime and of the one before. Bounded for all and for each person, whatever keys they
// have, so that whoever has a session can fill neither memory nor the share of others. Each process
// has its own (docs/adr/0024).
import { createHash } from "node:crypto";
import type { Stopwatch } from "../clock.ts";

/** Proofs of one generation; about 20 MB for both. */
const mostMarks = 250_000;
const mostMarksOfPerson = 100_000;
/** What is kept of `mostMarks` for persons who send few, and how many are few. */
const reserve = 50_000;
const marksFromReserve = 1_000;

/** A proof whose signature holds. */
export interface TakenProof {
  /** id of the user whose token it comes with */
  person: string;
  /** thumbprint of its key */
  jkt: string;
  jti: string;
}

/** Remembers proofs. */
export class SeenProofs {
  readonly #elapsed: Stopwatch;
  readonly #lifetime: number;
  #young = new Generation();
  #old = new Generation();
  #turnedAt: number;

  /** @param lifetime milliseconds for which one proof can be good at most */
  constructor(elapsed: Stopwatch, lifetime: number) {
    this.#elapsed = elapsed;
    this.#lifetime = lifetime;
    this.#turnedAt = elapsed();
  }

  /** @returns undefined for a proof that is new and remembered now */
  add({ person, jkt, jti }: TakenProof): "proof_replayed" | "proof_limit" | undefined {
    this.#turn();
    const mark = markOf(jkt, jti);
    if (this.#young.marks.has(mark) || this.#old.marks.has(mark)) return "proof_replayed";
    return this.#young.add(person, mark) ? undefined : "proof_limit";
  }

  #turn(): void {
    const age = this.#elapsed() - this.#turnedAt;
    if (age < this.#lifetime) return;
    this.#old = age < 2 * this.#lifetime ? this.#young : new Generation();
    this.#young = new Generation();
    this.#turnedAt = this.#elapsed();
  }
}

class Generation {
  readonly marks = new Set<number>();
  /** by person */
  readonly #counts = new Map<string, number>();

  /** @returns whether there was room */
  add(person: string, mark: number): boolean {
    const count = this.#counts.get(person) ?? 0;
    const mayUseReserve = count < marksFromReserve;
    const most = mayUseReserve ? mostMarks : mostMarks - reserve;
    if (count >= mostMarksOfPerson || this.marks.size >= most) return false;
    this.#counts.set(person, count + 1);
    this.marks.add(mark);
    return true;
  }
}

/** 48 bits of a hash: a good proof meets another's mark once in a thousand million times. */
function markOf(jkt: string, jti: string): number {
  return createHash("sha256").update(`${jkt}.${jti}`).digest().readUIntBE(0, 6);
}
