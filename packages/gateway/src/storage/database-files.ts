// Whether the files of an open database are still those that others find under its name, and what
// the gateways have put there. SQLite goes on writing into a file that was removed or replaced, and
// all of that is gone at the restart; into one that was written over, it writes a mixture.
import { openSync, readSync, type Stats, statfsSync, statSync } from "node:fs";
import { StoreUnavailableError } from "../store-unavailable.ts";

/** The database, the log that holds what was confirmed last, and the index of that log. */
const suffixes = ["", "-wal", "-shm"];
/** How often the database file is looked at, milliseconds. */
const lookInterval = 100;

/** Not zero once somebody has found that the database was written over. */
export type Verdict = Int32Array;

/** A verdict for the threads of this process. */
export function newVerdict(): Verdict {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** The files of a database as they were when it was opened. */
export class DatabaseFiles {
  readonly #location: string;
  readonly #identities: readonly string[];
  readonly #overwriting: Overwriting | undefined;

  /**
   * @param location the path of the database, which is open
   * @param verdict shared by all who have it open in this process
   */
  constructor(location: string, verdict: Verdict) {
    this.#location = location;
    this.#identities = suffixes.map((suffix) => identityOf(location + suffix));
    this.#overwriting = Overwriting.watch(location, verdict);
  }

  /** The database is closed: nobody looks after its files any more. */
  close(): void {
    this.#overwriting?.end();
  }

  /** @throws {StoreUnavailableError} when one of them was removed, replaced or written over */
  check(): void {
    for (const [index, suffix] of suffixes.entries()) {
      const file = this.#location + suffix;
      if (identityOf(file) !== this.#identities[index])
        throw new StoreUnavailableError(
          `${file} was removed or replaced while the gateway was running, so writes are no longer confirmed; put the file back, or restart the gateway`,
        );
    }
    if (this.#overwriting?.hasHappened() === true)
      throw new StoreUnavailableError(
        `${this.#location} was truncated or overwritten while the gateway was running, so writes are no longer confirmed; stop every gateway, restore the file without its -wal and -shm, and start again`,
      );
  }
}

/** Device and inode. */
function identityOf(file: string): string {
  const stats = look(file);
  return stats === undefined ? "absent" : `${stats.dev} ${stats.ino}`;
}

function look(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    // The folder may be gone, or closed to this user.
    return undefined;
  }
}

/** How far the database has been brought up to date from its log: the start of the -shm file. */
interface Checkpoints {
  /** the log's salts and the frames that were attempted, which every checkpoint begins with */
  begun: string;
  /** whether none is under way, nor was cut */
  areComplete: boolean;
}

/** The state of the database file. */
interface FileState {
  /** time of the last change, and size */
  content: string;
  checkpoints: Checkpoints;
}

/**
 * Notices that somebody else writes into the database file. In WAL mode whoever uses SQLite writes
 * into it in a checkpoint alone, and says so before in the index of the log (sqlite.org, WAL-mode
 * File Format, 2.1): a file that changes without that was overwritten. This holds for programs that
 * shrink it (VACUUM), too.
 */
class Overwriting {
  readonly #location: string;
  readonly #timer: NodeJS.Timeout;
  readonly #indexDescriptor: number;
  readonly #verdict: Verdict;
  #state: FileState | undefined;

  /** @returns undefined where it cannot be told */
  static watch(location: string, verdict: Verdict): Overwriting | undefined {
    if (hasForeignTimes(location)) return undefined;
    try {
      // It stays open until the process ends: closing any descriptor of a file ends the locks that
      // SQLite has on it in this process (POSIX, fcntl).
      return new Overwriting(location, verdict, openSync(`${location}-shm`, "r"));
    } catch {
      return undefined;
    }
  }

  private constructor(location: string, verdict: Verdict, indexDescriptor: number) {
    this.#location = location;
    this.#verdict = verdict;
    this.#indexDescriptor = indexDescriptor;
    this.#state = this.#look();
    // Between two looks that lie far apart there may be a checkpoint as well.
    this.#timer = setInterval(() => this.hasHappened(), lookInterval).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  hasHappened(): boolean {
    const state = this.#look();
    if (state !== undefined && this.#state !== undefined && isOverwritten(this.#state, state))
      Atomics.store(this.#verdict, 0, 1);
    this.#state = state ?? this.#state;
    return Atomics.load(this.#verdict, 0) !== 0;
  }

  /** Undefined when a checkpoint begins or ends at this very moment. */
  #look(): FileState | undefined {
    const before = readCheckpoints(this.#indexDescriptor);
    const stats = look(this.#location);
    const checkpoints = readCheckpoints(this.#indexDescriptor);
    if (stats === undefined || JSON.stringify(before) !== JSON.stringify(checkpoints))
      return undefined;
    return { content: `${stats.mtimeMs} ${stats.size}`, checkpoints };
  }
}

function isOverwritten(before: FileState, now: FileState): boolean {
  if (before.content === now.content || !before.checkpoints.areComplete) return false;
  return before.checkpoints.begun === now.checkpoints.begun;
}

/** Offsets in the -shm file: the salts in the header of the index, and what was backfilled. */
const offsets = { salts: 32, backfilled: 96, attempted: 128 };
const saltsLength = 8;
const headLength = 136;

function readCheckpoints(descriptor: number): Checkpoints {
  const head = Buffer.alloc(headLength);
  readSync(descriptor, head, 0, headLength, 0);
  const salts = head.subarray(offsets.salts, offsets.salts + saltsLength);
  const attempted = head.readUInt32LE(offsets.attempted);
  return {
    begun: `${salts.toString("hex")} ${attempted}`,
    areComplete: head.readUInt32LE(offsets.backfilled) === attempted,
  };
}

/** File systems that are served by another machine or process, whose clock may date changes. */
const remoteFileSystems = new Set([
  0x65735546, // FUSE
  0x01021997, // 9p
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
]);

function hasForeignTimes(file: string): boolean {
  try {
    return remoteFileSystems.has(statfsSync(file).type);
  } catch {
    return true;
  }
}
