import type { AccountObject } from "./account-object.ts";
import type { ChangeProblem, ChangeRequest, MissingSecret, ObjectChange } from "./changes.ts";

/** The objects of a gateway, wherever they are reached. */
export interface Account {
  /** where it is, for people */
  place: string;
  /** @throws {Error} when they cannot be read */
  read(): Promise<AccountObject[]>;
  /**
   * Changes all that is asked for, or nothing.
   * @param isTrial says what would become of it, and changes nothing
   * @throws {Error} when the gateway cannot be reached, or refuses whoever asks
   */
  change(request: ChangeRequest, isTrial: boolean): Promise<ChangeAnswer>;
}

/** What became of a request. */
export type ChangeAnswer =
  | {
      ok: true;
      changes: ObjectChange[];
      missing: MissingSecret[];
      warnings: ChangeProblem[];
    }
  | { ok: false; problems: ChangeProblem[] };
