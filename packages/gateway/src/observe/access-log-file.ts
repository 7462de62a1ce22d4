// The export of the access log: a file that gets each row as a line of JSON. Several processes may
// append to it. Whoever moves it away (logrotate without `copytruncate`) needs to tell nobody: the
// next batch begins a new file.
import { type FileHandle, open, stat } from "node:fs/promises";
import type { NewAccessEvent } from "../storage/access-log.ts";
import { exportLineOf } from "./access-rows.ts";

/** Readable for whoever runs the gateway alone: it holds addresses of people. */
const mode = 0o600;

export class AccessLogFile {
  readonly #path: string;
  readonly #onFault: (error: unknown) => void;
  #handle: FileHandle | undefined;
  #isFailing = false;

  /**
   * @param path absolute
   * @param onFault is told once, until it can be written again
   */
  constructor(path: string, onFault: (error: unknown) => void) {
    this.#path = path;
    this.#onFault = onFault;
  }

  /** Appends rows. Never throws: a full disk costs lines of this file and nothing else. */
  async append(rows: readonly NewAccessEvent[]): Promise<void> {
    if (rows.length === 0) return;
    try {
      const handle = await this.#current();
      // One write: with O_APPEND no line of another process stands within it.
      await handle.write(rows.map(exportLineOf).join(""));
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#onFault(error);
      this.#isFailing = true;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #current(): Promise<FileHandle> {
    if (this.#handle !== undefined && !(await this.#isStillThere(this.#handle))) await this.close();
    this.#handle ??= await open(this.#path, "a", mode);
    return this.#handle;
  }

  async #isStillThere(handle: FileHandle): Promise<boolean> {
    const own = await handle.stat();
    try {
      const there = await stat(this.#path);
      return there.ino === own.ino && there.dev === own.dev;
    } catch {
      return false;
    }
  }
}
