// A worker's life: it composes the parts that its keeper describes, serves, takes over each change
// of the configuration, and drains. What keeps house, reads files and counts strangers is the
// keeper's. Signals of a whole group (a supervisor's, a terminal's) reach it as well, and are the
// keeper's to obey.
import { setTimeout as pause } from "node:timers/promises";
import type { CatalogChange } from "../catalog/changing-catalog.ts";
import { composeWorker, type Parts } from "../compose.ts";
import { followOthers } from "../follow-others.ts";
import { familiesOf, type Service, serve } from "../gateway.ts";
import { isLimited } from "../observe/limit-events.ts";
import { openLog } from "../observe/log.ts";
import { KeptLimits } from "./kept-limits.ts";
import type { Introduction, ToKeeper, ToWorker } from "./messages.ts";

/** How soon a change that could not be taken over is tried again, milliseconds. */
const retryMs = 1_000;

/** Obeys the keeper at the other end of the process's channel. */
export function serveForKeeper(process: NodeJS.Process): void {
  const worker = new Worker((message) => void process.send?.(message));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  process.on("message", (message: ToWorker) => worker.obey(message));
  process.once("disconnect", () => worker.keeperIsGone());
  worker.ended.then((status) => process.exit(status));
}

interface Running {
  parts: Parts;
  service: Service;
}

class Worker {
  readonly #tell: (message: ToKeeper) => void;
  readonly #limits: KeptLimits;
  readonly #running = Promise.withResolvers<Running>();
  readonly #end = Promise.withResolvers<number>();
  #drainMs = 0;
  #isEnding = false;

  constructor(tell: (message: ToKeeper) => void) {
    this.#tell = tell;
    this.#limits = new KeptLimits((id, question) => tell({ kind: "question", id, question }));
    // Whoever waits for it is told by the end of the process.
    this.#running.promise.catch(() => undefined);
  }

  /** The exit status, when all is over. */
  get ended(): Promise<number> {
    return this.#end.promise;
  }

  obey(message: ToWorker): void {
    switch (message.kind) {
      case "begin":
        void this.#begin(message.introduction);
        break;
      case "change":
        void this.#adopt(message.version, message.change);
        break;
      case "reload_certificates":
        void this.#running.promise.then(({ service }) => service.reloadCertificates());
        break;
      case "answer":
        this.#limits.answered(message.id, message.isAllowed);
        break;
      case "measure":
        void this.#measure(message.id);
        break;
      case "drain":
        void this.#drain(message.graceMs, true);
        break;
    }
  }

  /** Nobody is let in any more: the address is another gateway's to listen on. */
  keeperIsGone(): void {
    this.#limits.end();
    void this.#drain(this.#drainMs, false);
  }

  async #begin({ number, settings, frame, secretKey, relay }: Introduction): Promise<void> {
    this.#drainMs = settings.limits.drain_timeout;
    const { record } = openLog({ ...settings.log, format: "json", plain: true, worker: number });
    try {
      const parts = await composeWorker({
        settings,
        frame,
        secretKey: Buffer.from(secretKey, "base64"),
        limits: this.#limits,
        relay,
        record: (event) =>
          isLimited(event) ? this.#tell({ kind: "event", event }) : record(event),
      });
      const service = await serve(parts, followOthers(parts, "keeper"));
      this.#running.resolve({ parts, service });
      this.#tell({ kind: "ready" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#running.reject(error);
      this.#tell({ kind: "failed", reason });
      this.#end.resolve(1);
    }
  }

  async #measure(id: number): Promise<void> {
    const { parts } = await this.#running.promise;
    this.#tell({ kind: "measured", id, families: familiesOf(parts) });
  }

  /** Takes a change over, however often it must be tried. A later one includes it. */
  async #adopt(version: number, change: CatalogChange): Promise<void> {
    const { parts } = await this.#running.promise;
    let isTaken = await attempt(parts, () => parts.catalogs.adopt(change));
    while (!isTaken) {
      await pause(retryMs, undefined, { ref: false });
      isTaken = await attempt(parts, () => parts.catalogs.refresh([]));
    }
    this.#tell({ kind: "applied", version });
  }

  async #drain(graceMs: number, isLetIn: boolean): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    try {
      const { service } = await this.#running.promise;
      await service.close(graceMs, isLetIn);
    } finally {
      this.#end.resolve(0);
    }
  }
}

/** @returns whether it succeeded */
async function attempt(
  { record }: Pick<Parts, "record">,
  step: () => Promise<void>,
): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    record({ event: "housekeeping_failed", task: "refresh", error: String(error) });
    return false;
  }
}
