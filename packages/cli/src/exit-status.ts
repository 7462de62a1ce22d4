// Every way in which a command can fail, and the exit status that says so (cli.md, "Exit status").

/** What went wrong, in words that scripts may rely on: the `code` of `--json` errors. */
export type FailureCode =
  | "failure"
  | "usage"
  | "not_signed_in"
  | "refused_by_policy"
  | "not_behind_access"
  | "unreachable"
  | "unverified"
  | "login_refused"
  | "login_timeout";

const statuses: Record<FailureCode, number> = {
  failure: 1,
  usage: 2,
  not_signed_in: 3,
  refused_by_policy: 4,
  not_behind_access: 5,
  unreachable: 5,
  unverified: 5,
  login_refused: 6,
  login_timeout: 6,
};

/** Wrappers fail with this before or around the tool; everything else is the tool's own status. */
export const wrapperStatus = 125;
/** What a shell says when the tool is there but cannot be run, and when it is not there. */
export const cannotRunStatus = 126;
export const notFoundStatus = 127;

/** One line for a person: what failed, which URL, what to do next. Never holds a secret. */
export class CliError extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string) {
    super(message);
    this.name = "CliError";
    this.code = code;
  }
}

/** The exit status for a failure of this kind. */
export function statusOf(code: FailureCode): number {
  return statuses[code];
}

/** Why something failed, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
