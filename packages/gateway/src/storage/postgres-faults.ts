// What errors of PostgreSQL and of the way to it mean: worth another try, the server out of reach,
// or a fault of ours (PostgreSQL documentation, appendix A).
import { StoreOutOfReachError, StoreUnavailableError } from "../store-unavailable.ts";

/** Nothing of the step was done, and the next try may succeed: serialization failure, deadlock. */
const passingStates = new Set(["40001", "40P01"]);

/**
 * The server cannot do it now, whatever it is: connections (08), its resources (53), an operator
 * who ends connections or a server that starts (57), a limit on the time of a statement or for a
 * lock, a transaction that stood still, and a server that only reads, as one does that was demoted.
 */
const unavailableStates = /^(?:08|53|57|25P03$|25006$|55P03$)/;

/** A connection whose server says this is of no more use, or leads to the wrong server. */
const lostStates = /^(?:08|57P0|25P03$|25006$)/;

/** A statement or a connection took too long, or there was no free one. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** Whether the step may be tried again. */
export function isPassing(error: unknown): boolean {
  return passingStates.has(stateOf(error) ?? "");
}

/** Whether the connection that said so must not be used again. */
export function isConnectionLost(error: unknown): boolean {
  const state = stateOf(error);
  return state === undefined ? isOfConnection(error) : lostStates.test(state);
}

/** The error, or what it says of the server in words that somebody can act on. */
export function unavailable(error: unknown): unknown {
  if (error instanceof StoreUnavailableError) return error;
  const state = stateOf(error);
  const isOurs = state === undefined ? !isOfConnection(error) : !isUnavailable(state);
  if (isOurs) return error;
  const message = `the database does not answer: ${messageOf(error)}`;
  const isLost = isConnectionLost(error);
  return new (isLost ? StoreOutOfReachError : StoreUnavailableError)(message, { cause: error });
}

/** In one line. Of an error with several causes (two addresses of a name), the first. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

function isUnavailable(state: string): boolean {
  return unavailableStates.test(state) || passingStates.has(state);
}

/** SQLSTATE; undefined where the server has said nothing. */
function stateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined;
  return String(error.code);
}

/** Of the operating system, of Node's sockets, and of certificates. */
const systemCodes =
  /^(?:E[A-Z]+$|ERR_(?:TLS|SSL|SOCKET|STREAM)|CERT_|SELF_SIGNED|UNABLE_TO|DEPTH_)/;
/** What `pg` says of a connection that has ended, or of none that was free, has no code. */
const connectionWords = /connection|not queryable|timeout e|Client was closed/i;

function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DeadlineError || error instanceof AggregateError) return true;
  if ("code" in error && systemCodes.test(String(error.code))) return true;
  return connectionWords.test(error.message);
}
