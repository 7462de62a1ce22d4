// A worker's side of the limits that its keeper counts (stranger-limits.ts): each is a question
// over the channel. What nobody answers is not allowed.
import type { LimitedWork, StrangerLimits } from "../stranger-limits.ts";
import type { LimitQuestion } from "./messages.ts";

/** Asks the keeper. */
export class KeptLimits implements StrangerLimits {
  readonly #send: (id: number, question: LimitQuestion) => void;
  readonly #waiting = new Map<number, (isAllowed: boolean) => void>();
  #lastId = 0;
  #isOver = false;

  constructor(send: (id: number, question: LimitQuestion) => void) {
    this.#send = send;
  }

  take(work: LimitedWork, network: string): Promise<boolean> {
    return this.#ask({ method: "take", args: [work, network] });
  }

  admitMailbox(id: string, network: string): Promise<boolean> {
    return this.#ask({ method: "admitMailbox", args: [id, network] });
  }

  hasTurnedAway(id: string): Promise<boolean> {
    return this.#ask({ method: "hasTurnedAway", args: [id] });
  }

  /** The keeper has answered. */
  answered(id: number, isAllowed: boolean): void {
    this.#waiting.get(id)?.(isAllowed);
    this.#waiting.delete(id);
  }

  /** The keeper is gone. */
  end(): void {
    this.#isOver = true;
    for (const id of [...this.#waiting.keys()]) this.answered(id, false);
  }

  #ask(question: LimitQuestion): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.set(id, resolve);
    this.#send(id, question);
    return promise;
  }
}

/** Answers such a question. */
export function answerTo(
  limits: StrangerLimits,
  question: LimitQuestion,
): boolean | Promise<boolean> {
  switch (question.method) {
    case "take":
      return limits.take(...question.args);
    case "admitMailbox":
      return limits.admitMailbox(...question.args);
    case "hasTurnedAway":
      return limits.hasTurnedAway(...question.args);
  }
}
