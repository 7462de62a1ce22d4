// Whether the files of an open database are still those that others find under its name. SQLite
// goes on writing into a file that was removed or replaced, and all of that is gone at the restart.
import { statSync } from "node:fs";
import { StoreUnavailableError } from "../store-unavailable.ts";

/** The database, and the write-ahead log that holds what was confirmed last. */
const suffixes = ["", "-wal"];

/** The files of a database as they were when it was opened. */
export class DatabaseFiles {
  readonly #location: string;
  readonly #identities: readonly string[];

  /** @param location the path of the database, which is open */
  constructor(location: string) {
    this.#location = location;
    this.#identities = suffixes.map((suffix) => identityOf(location + suffix));
  }

  /** @throws {StoreUnavailableError} when one of them was removed or replaced */
  check(): void {
    for (const [index, suffix] of suffixes.entries()) {
      const file = this.#location + suffix;
      if (identityOf(file) === this.#identities[index]) continue;
      throw new StoreUnavailableError(
        `${file} was removed or replaced while the gateway runs, so nothing is confirmed any more; put the file back, or start the gateway again`,
      );
    }
  }
}

function identityOf(file: string): string {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    // The folder may be gone, or closed to this user.
    return "absent";
  }
}
