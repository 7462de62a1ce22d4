// A running gateway and its file. A change is read when somebody saves the file, or when SIGHUP
// asks for it. What cannot be put into force is logged and changes nothing. A change that would
// remove too much waits for a SIGHUP of somebody who has read that it would.
import type { ApproveRemovals } from "./catalog/changing-catalog.ts";
import { checkRemovals, TooManyRemovals } from "./catalog/removals.ts";
import { type ConfigFile, isUnchanged } from "./config/config-file.ts";
import type { Config } from "./config/load-config.ts";
import { readFileUpdateInThread } from "./config/load-config-thread.ts";
import type { Gateway } from "./gateway.ts";
import type { RecordEvent } from "./observe/events.ts";

/** What a running gateway does not change: its sockets, its files, its limits. */
const fixedAtStart = [
  "listen",
  "redirect_http",
  "public_ports",
  "tls",
  "http2",
  "http1_transport",
  "trusted_proxies",
  "forward_auth",
  "workers",
  "store",
  "secret_key_file",
  "smtp",
  "admin",
  "log",
  "otlp",
  "limits",
  "key_rotation_interval_days",
  "geoip_file",
] as const satisfies (keyof Config)[];

/**
 * The share of a kind that a change may remove where `limits.removals` says nothing: of two
 * applications, none. A file that was cut in its middle has lost half of them.
 */
const defaultRemovals = 0.4;

interface Running {
  gateway: Gateway;
  /** what it was started with */
  started: Config;
  /** of the file, as it was then */
  fingerprint: string;
  record: RecordEvent;
}

/** Reads the file of a gateway again, never twice at once. */
export class Reload {
  readonly #source: ConfigFile;
  readonly #running: Running;
  /** of the file whose content is in force */
  #fingerprint: string;
  #isRunning = false;
  #isWanted = false;
  /** the removals that were refused last, and those that somebody has confirmed since */
  #refusedRemovals: string | undefined;
  #confirmedRemovals: string | undefined;

  constructor(source: ConfigFile, running: Running) {
    this.#source = source;
    this.#running = running;
    this.#fingerprint = running.fingerprint;
  }

  /**
   * Reads the file, after the reading under way has ended where there is one: what was read first
   * must not be put into force last. However often it is called meanwhile, it is read once more.
   */
  begin(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  /** The same, and what the log says was refused may be removed. */
  confirm(): void {
    this.#confirmedRemovals = this.#refusedRemovals;
    this.begin();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#apply();
    }
    this.#isRunning = false;
  }

  /** Never throws: what cannot be put into force is logged, and changes nothing. */
  async #apply(): Promise<void> {
    const { gateway, started, record } = this.#running;
    const { file } = this.#source;
    if (this.#isInForce()) {
      this.#refusedRemovals = undefined;
      record({ event: "configuration_unchanged", file });
      void gateway.checkProviders();
      return;
    }
    try {
      const { settings, warnings, fingerprint } = await gateway.reload(
        (known) => readFileUpdateInThread(this.#source, known),
        this.#approve,
      );
      this.#fingerprint = fingerprint;
      this.#refusedRemovals = undefined;
      for (const warning of warnings) record({ event: "configuration_warning", warning });
      record({ event: "configuration_applied", file });
      void gateway.checkProviders();
      const fields = fixedAtStart.filter((field) => !isSame(settings[field], started[field]));
      if (fields.length > 0) record({ event: "restart_needed", fields });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      record({ event: "configuration_refused", file, problems: message.split("\n") });
    }
  }

  /**
   * Whether there is nothing to read: the file says what it said, and no other gateway has put
   * something else into force.
   */
  #isInForce(): boolean {
    const { gateway } = this.#running;
    return gateway.overruled().length === 0 && isUnchanged(this.#source, this.#fingerprint);
  }

  readonly #approve: ApproveRemovals = (remove, standing) => {
    const { limits } = this.#running.started;
    try {
      checkRemovals(remove, standing, limits.removals ?? defaultRemovals);
    } catch (error) {
      if (!(error instanceof TooManyRemovals)) throw error;
      if (error.key === this.#confirmedRemovals) return;
      this.#refusedRemovals = error.key;
      throw error;
    }
  };
}

/**
 * SIGHUP from the first moment on: unhandled, it would end the process. One that comes while the
 * gateway starts is handled when it is up.
 */
export class HangUps {
  #handler: (() => void) | undefined;
  #isPending = false;

  constructor() {
    process.on("SIGHUP", this.#receive);
  }

  handleWith(handler: () => void): void {
    this.#handler = handler;
    if (this.#isPending) handler();
  }

  ignore(): void {
    this.#handler = () => undefined;
  }

  readonly #receive = (): void => {
    this.#isPending = true;
    this.#handler?.();
  };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
