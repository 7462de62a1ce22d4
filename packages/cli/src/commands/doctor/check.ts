// One check of the doctor: what it looked at, how that is, and what to do about it.
import { CliError, type FailureCode } from "../../exit-status.ts";

export interface Check {
  /** what was looked at, in a word */
  name: string;
  state: "ok" | "warn" | "fail";
  /** one line */
  message: string;
  /** of a failure: which exit status it is */
  code?: FailureCode;
}

export function ok(name: string, message: string): Check {
  return { name, state: "ok", message };
}

/** Works, but somebody should know. */
export function warn(name: string, message: string): Check {
  return { name, state: "warn", message };
}

export function fail(name: string, code: FailureCode, message: string): Check {
  return { name, state: "fail", message, code };
}

/** Makes one check; undefined where there is nothing to say. */
export type CheckMaker = () => Check | undefined | Promise<Check | undefined>;

/** Makes the check, or says why it could not be made. */
export async function attempt(name: string, make: CheckMaker): Promise<Check | undefined> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof CliError) return fail(name, error.code, error.message);
    throw error;
  }
}
