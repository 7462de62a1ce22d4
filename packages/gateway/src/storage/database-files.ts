// Whether the files of an open database are still those that others find under its name. SQLite
// goes on writing into a file that was removed or replaced, and all of that is gone at the restart.
// A file that was written over keeps its identity, but a backup is most often smaller than what it
// is copied over, and a copy begins by emptying its target.
import { statSync } from "node:fs";
import { StoreUnavailableError } from "../store-unavailable.ts";

/** The database, and the write-ahead log that holds what was confirmed last. */
const suffixes = ["", "-wal"];

/** The files of a database as they were when it was opened. */
export class DatabaseFiles {
  readonly #location: string;
  readonly #identities: readonly string[];
  /** The largest size of the database so far: nothing compacts it while a gateway runs. */
  #size: bigint;

  /** @param location the path of the database, which is open */
  constructor(location: string) {
    this.#location = location;
    this.#identities = suffixes.map((suffix) => look(location + suffix).identity);
    this.#size = look(location).size;
  }

  /** @throws {StoreUnavailableError} when one of them was removed, replaced or cut */
  check(): void {
    for (const [index, suffix] of suffixes.entries()) {
      const file = this.#location + suffix;
      const { identity, size } = look(file);
      if (identity !== this.#identities[index])
        throw new StoreUnavailableError(
          `${file} was removed or replaced while the gateway runs, so nothing is confirmed any more; put the file back, or start the gateway again`,
        );
      // The write-ahead log begins anew now and then.
      if (suffix === "") this.#checkSize(file, size);
    }
  }

  #checkSize(file: string, size: bigint): void {
    if (size < this.#size)
      throw new StoreUnavailableError(
        `${file} was cut or written over while the gateway runs, so nothing is confirmed any more; stop every gateway, restore the file without its -wal and -shm, and start again`,
      );
    this.#size = size;
  }
}

interface FileLook {
  /** device and inode */
  identity: string;
  size: bigint;
}

function look(file: string): FileLook {
  try {
    const { dev, ino, size } = statSync(file, { bigint: true });
    return { identity: `${dev} ${ino}`, size };
  } catch {
    // The folder may be gone, or closed to this user.
    return { identity: "absent", size: 0n };
  }
}
