/**
 * A flag or an argument that cannot be used as it stands. The command line, which is a package of
 * its own, knows it by its `code` and ends with the status for wrong usage.
 */
export class UsageError extends Error {
  readonly code = "usage";
  override readonly name = "UsageError";
}
