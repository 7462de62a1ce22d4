import type { RandomBytes } from "../random.ts";

const rayCharacters = 16;
const poolBytes = 2_048;

/** Names for requests, from a pool: one call for the kernel's randomness serves many of them. */
export class RayIds {
  readonly #randomBytes: RandomBytes;
  #pool = "";
  #used = 0;

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** 16 hex characters. */
  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = this.#randomBytes(poolBytes).toString("hex");
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += rayCharacters;
    return this.#pool.slice(start, this.#used);
  }
}
