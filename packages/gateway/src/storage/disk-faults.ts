// What SQLite says of a disk, in words that somebody can act on. Nothing of the step is done then:
// SQLite undoes it.

/** SQLite's result codes (sqlite.org/rescode.html), without the detail in the upper bits. */
const faults: Readonly<Record<number, string>> = {
  8: "the database is not writable; let the gateway's user write the file and its folder",
  10: "the disk cannot be read or written; check the disk, its quota, and how much a process may write (`ulimit -f`)",
  13: "the disk is full; free some space",
  14: "a file of the database cannot be opened; let the gateway's user write the file and its folder",
};

/** What is wrong with the disk, and what to do; undefined for every other fault. */
export function diskFaultOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return faults[Number(error.errcode) & 0xff];
}
