// Sends spans to a collector, in batches, from a bounded queue: a collector that is slow or away
// costs spans, and neither requests nor memory. What is lost is counted and written down.
import type { Stopwatch } from "../../clock.ts";
import type { RecordEvent } from "../events.ts";
import { exportRequest, type Span } from "./span.ts";

/** Where spans go. */
export interface ExporterOptions {
  /** of the collector; `/v1/traces` is asked for below it */
  endpoint: string;
  /** sent with each batch: a key of the collector's, for one */
  headers: Readonly<Record<string, string>>;
  record: RecordEvent;
  elapsed: Stopwatch;
}

const capacity = 4_096;
const batchLimit = 512;
/** How long a span waits for others, milliseconds. */
const gatherMs = 1_000;
/** For how long a collector may think about a batch, milliseconds. */
const timeoutMs = 10_000;
/** For how long a gateway that ends waits for a collector, milliseconds. */
const farewellMs = 2_000;
/** How often a loss is written down, milliseconds. */
const complaintMs = 60_000;

export class SpanExporter {
  readonly #options: ExporterOptions;
  readonly #address: string;
  #waiting: Span[] = [];
  readonly #farewell = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #sent = 0;
  #lost = 0;
  /** of the lost, what the log was told of */
  #told = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#address = `${options.endpoint.replace(/\/+$/, "")}/v1/traces`;
  }

  /** Takes spans. Never throws, never waits. */
  add(spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > capacity) {
      this.#lose(spans.length, "more spans than the collector takes");
      return;
    }
    this.#waiting.push(...spans);
    if (this.#timer !== undefined || this.#sending !== undefined) return;
    this.#timer = setTimeout(() => this.#begin(), gatherMs).unref();
  }

  /** How many spans wait, were taken, and are lost. */
  readings(): { waiting: number; sent: number; lost: number } {
    return { waiting: this.#waiting.length, sent: this.#sent, lost: this.#lost };
  }

  /** Sends what waits, and waits for no collector that is slow: the gateway ends. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const deadline = setTimeout(
      () => this.#farewell.abort(new Error("it took too long")),
      farewellMs,
    );
    await this.#sending;
    await this.#sendAll();
    clearTimeout(deadline);
  }

  #begin(): void {
    this.#timer = undefined;
    this.#sending = this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchLimit);
      try {
        await this.#send(batch);
        this.#sent += batch.length;
      } catch (error) {
        this.#lose(batch.length, error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** @throws {Error} when the collector did not take them */
  async #send(batch: readonly Span[]): Promise<void> {
    const answer = await fetch(this.#address, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.#options.headers },
      body: JSON.stringify(exportRequest(batch)),
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#farewell.signal]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`the collector answered ${answer.status}`);
  }

  #lose(count: number, fault: string): void {
    this.#lost += count;
    const { elapsed, record } = this.#options;
    if (elapsed() - this.#complainedAt < complaintMs) return;
    this.#complainedAt = elapsed();
    record({ event: "traces_lost", spans: this.#lost - this.#told, error: fault });
    this.#told = this.#lost;
  }
}
