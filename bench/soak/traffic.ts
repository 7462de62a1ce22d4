// Requests at an even rate over many connections, of which one in a hundred is broken off.
import { browserHeaders } from "../gateway.ts";
import { requestTo } from "../load/probe.ts";
import { kilobyte, megabyte } from "../nginx.ts";
import { Lane, type Outcome, type Request } from "./lane.ts";

const connections = 64;
const tickMs = 2;
/** one of so many requests is broken off, and one is for a large answer */
const abortEvery = 100;
const largeEvery = 100;

export interface Counts {
  answered: number;
  aborted: number;
  failed: number;
  /** of the failed: those on connections of a worker that was killed */
  onKilled: number;
}

export class Traffic {
  readonly counts: Counts = { answered: 0, aborted: 0, failed: 0, onKilled: 0 };
  /** why requests failed that were not on a killed worker: the first ones */
  readonly failures: string[] = [];
  readonly #port: number;
  readonly #tokens: readonly string[];
  readonly #rate: number;
  readonly #lanes: Lane[];
  readonly #timer: NodeJS.Timeout;
  #killedPorts: ReadonlySet<number> = new Set();
  #asked = 0;
  #due = 0;
  #last = performance.now();

  /** @param rate requests a second */
  constructor(port: number, tokens: readonly string[], rate: number) {
    this.#port = port;
    this.#tokens = tokens;
    this.#rate = rate;
    const report = (outcome: Outcome) => this.#count(outcome);
    this.#lanes = Array.from({ length: connections }, () => new Lane(port, report));
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** @param ports of the clients whose connections a killed worker has */
  expectLossOf(ports: ReadonlySet<number>): void {
    this.#killedPorts = ports;
  }

  /** Lets what is under way come to its end. */
  async end(until: (isOver: () => boolean) => Promise<void>): Promise<void> {
    clearInterval(this.#timer);
    await until(() => this.#lanes.every(({ isIdle }) => isIdle));
    for (const lane of this.#lanes) lane.close();
  }

  /** What cannot be asked because every lane waits is not made up for. */
  #tick(): void {
    const now = performance.now();
    this.#due += ((now - this.#last) / 1_000) * this.#rate;
    this.#last = now;
    for (const lane of this.#lanes) {
      if (this.#due < 1) return;
      if (!lane.isIdle) continue;
      this.#due--;
      lane.ask(this.#next());
    }
    this.#due = Math.min(this.#due, 1);
  }

  #next(): Request {
    const nth = this.#asked++;
    const headers = browserHeaders(this.#tokens[nth % this.#tokens.length]);
    const small = requestTo({ port: this.#port, path: "/1k", headers });
    const large = requestTo({ port: this.#port, path: "/1m", headers });
    if (nth % largeEvery === 1) return { bytes: large, length: megabyte };
    if (nth % abortEvery !== 0) return { bytes: small, length: kilobyte };
    const isEven = (nth / abortEvery) % 2 === 0;
    return isEven
      ? { bytes: small, length: kilobyte, abort: "request" }
      : { bytes: large, length: megabyte, abort: "answer" };
  }

  #count(outcome: Outcome): void {
    this.counts[outcome.kind]++;
    if (outcome.kind !== "failed") return;
    if (this.#killedPorts.has(outcome.port)) this.counts.onKilled++;
    else if (this.failures.length < 20) this.failures.push(outcome.why);
  }
}
