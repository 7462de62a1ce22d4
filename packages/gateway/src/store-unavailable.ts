/**
 * The store can do nothing at the moment, and has done nothing: another process keeps it locked, or
 * its file is gone. A word of every room: pages then say that trying again helps.
 */
export class StoreUnavailableError extends Error {
  override readonly name: string = "StoreUnavailableError";
}

/** The server of the store does not answer, or not in time. What was asked of it may be done. */
export class StoreOutOfReachError extends StoreUnavailableError {
  override readonly name = "StoreOutOfReachError";
}
