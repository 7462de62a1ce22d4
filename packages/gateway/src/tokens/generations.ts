// The generation of an application's tokens. Whoever revokes them puts another one into the store,
// and what says an earlier one, or none, holds no longer. A value and not a date: clocks of several
// machines differ, and dates in tokens have seconds alone.
import type { GenerationStore } from "../storage/store.ts";

/** null: the application's tokens were never revoked */
export type Generation = string | null;

/** The generations in force, from memory where that is certain. */
export class Generations {
  readonly #store: Pick<GenerationStore, "find">;
  /** by AUD: no more than there are applications */
  readonly #known = new Map<string, Generation>();
  #version = 0;

  constructor(store: Pick<GenerationStore, "find">) {
    this.#store = store;
  }

  /** Grows whenever something was forgotten: what was compared at the same version still holds. */
  get version(): number {
    return this.#version;
  }

  /** Undefined when `find` must be asked. */
  known(aud: string): Generation | undefined {
    return this.#known.get(aud);
  }

  /** @throws {Error} when the store cannot be read */
  async find(aud: string): Promise<Generation> {
    for (;;) {
      const known = this.#known.get(aud);
      if (known !== undefined) return known;
      const version = this.#version;
      const stored = await this.#store.find(aud);
      // What was read before it was forgotten may be old.
      if (version === this.#version) this.#known.set(aud, stored?.generation ?? null);
    }
  }

  /**
   * Whether a token of this generation holds. One that is not known here may have been issued by
   * a process that revoked the others a moment ago, so the store decides.
   */
  async isCurrent(aud: string, generation: Generation): Promise<boolean> {
    if ((await this.find(aud)) === generation) return true;
    this.forget(aud);
    return (await this.find(aud)) === generation;
  }

  /** It may be another one by now. */
  forget(aud: string): void {
    this.#version++;
    this.#known.delete(aud);
  }

  forgetAll(): void {
    this.#version++;
    this.#known.clear();
  }
}

/** What a token says. */
export function generationOf({ generation }: { generation?: unknown }): Generation {
  return typeof generation === "string" ? generation : null;
}
