// What a changed file takes away. An application that is gone may leave its paths to a laxer one,
// so removals are told by name, and too many at once are refused: half of a file is one as well.
import { ConfigError } from "../config/config-error.ts";
import { keyOf } from "../config/config-objects.ts";
import { kinds } from "../model/kinds.ts";
import type { ObjectKey } from "../storage/store.ts";
import type { Records } from "./records.ts";
import type { ObjectRecord } from "./stored-objects.ts";

/** `application "Wiki"`: how people know an object. */
export function describeObject({ kind, object }: ObjectRecord): string {
  return `${kinds.get(kind)?.noun ?? kind} "${object.name}"`;
}

/** The objects that the keys name, as people know them. */
export function describeObjects(keys: readonly ObjectKey[], records: Records): string[] {
  return keys.flatMap(({ kind, id }) => {
    const record = records.get(keyOf(kind, id));
    return record === undefined ? [] : [describeObject(record)];
  });
}

/**
 * Refuses a change that removes too much.
 * @param remove what the file removes
 * @param standing what there is before
 * @param limit `limits.removals`: the largest share of each kind
 * @throws {TooManyRemovals}
 */
export function checkRemovals(
  remove: readonly ObjectKey[],
  standing: Records,
  limit: number,
): void {
  const before = countByKind(
    [...standing.values()].filter(({ managedBy }) => managedBy === "file"),
  );
  for (const [kind, count] of countByKind(remove)) {
    const all = before.get(kind) ?? 0;
    // To rename the only one is to replace it.
    if (all > 1 && count > limit * all)
      throw new TooManyRemovals(remove, describeObjects(remove, standing), limit);
  }
}

function countByKind(objects: readonly { kind: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

const namesShown = 20;

/** A change of the file would remove more than `limits.removals` allows. */
export class TooManyRemovals extends ConfigError {
  /** tells these removals from others */
  readonly key: string;

  constructor(remove: readonly ObjectKey[], names: readonly string[], limit: number) {
    const shown = names.slice(0, namesShown).join(", ");
    const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
    super(
      `limits.removals: ${limit} is the share of a kind that a change may remove, but this change removes ${shown}${more}; correct the file, or confirm the change with SIGHUP`,
    );
    this.key = remove.map(({ kind, id }) => keyOf(kind, id)).join("\n");
  }
}
