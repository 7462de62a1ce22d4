import type { RandomBytes } from "../random.ts";

const rayBytes = 8;
const poolBytes = 2_048;

/** Names for requests, from a pool: one call for the kernel's randomness serves many of them. */
export class RayIds {
  readonly #randomBytes: RandomBytes;
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** 16 hex characters. */
  next(): string {
    if (this.#used + rayBytes > this.#pool.length) {
      this.#pool = this.#randomBytes(poolBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += rayBytes;
    return this.#pool.toString("hex", start, this.#used);
  }
}
