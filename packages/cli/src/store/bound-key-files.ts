// Where the keys are to which sessions are bound: one for each team domain and profile.
import { join } from "node:path";
import type { Context } from "../context.ts";
import { attemptWrite, fileNameOf, removeFile, type UnwritableError } from "./private-files.ts";
import { filesIn } from "./token-files.ts";

type Store = Pick<Context, "home" | "profile">;

function keyDirectory({ home, profile }: Store): string {
  return join(home, "keys", fileNameOf(profile));
}

/** @param team origin of the team domain */
export function boundKeyFile(store: Store, team: string): string {
  return join(keyDirectory(store), `${fileNameOf(team)}.json`);
}

/** @returns why it stayed; undefined when it is gone */
export function removeBoundKey(store: Store, team: string): UnwritableError | undefined {
  return attemptWrite(() => removeFile(boundKeyFile(store, team)));
}

/** The paths of all of one profile. */
export function listBoundKeys(store: Store): string[] {
  return filesIn(keyDirectory(store)).map(({ path }) => path);
}
