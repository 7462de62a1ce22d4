// A file beside what is stored: which objects are put and removed. Objects of the API are never
// touched.
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import type { KindObject } from "../config/config-objects.ts";
import type { ConfigUpdate } from "../config/config-update.ts";
import { kinds } from "../model/kinds.ts";
import type { ObjectKey } from "../storage/store.ts";
import { keyOfObject, type Records } from "./records.ts";
import type { Steps } from "./steps.ts";
import type { ObjectRecord } from "./stored-objects.ts";

/** What a file makes of the store. */
export interface Difference {
  /** all objects, as they are afterwards */
  records: Records;
  put: ObjectRecord[];
  remove: ObjectKey[];
}

interface Tools {
  /** milliseconds since the epoch */
  now: number;
  /** makes the AUD of a new application */
  makeAud(): string;
}

/**
 * What a file changes. An object that it says nothing new of keeps its record.
 * @param standing what is stored
 * @throws {ConfigError} when an object of the API has the id of one in the file
 */
export function* differenceOf(
  update: ConfigUpdate,
  standing: Records,
  tools: Tools,
): Steps<Difference> {
  const changedObjects = new Map(update.changedObjects.map((each) => [keyOfObject(each), each]));
  const records = new Map<string, ObjectRecord>();
  const put: ObjectRecord[] = [];
  for (const key of update.objects.keys()) {
    const source = changedObjects.get(key);
    const stored = standing.get(key);
    const record = source === undefined ? stored : toRecord(source, stored, tools);
    if (record === undefined) continue;
    records.set(key, record);
    if (record !== stored) put.push(record);
    yield;
  }
  const others = [...standing].filter(([key]) => !records.has(key)).sort(byKey);
  const remove = others.filter(([, { managedBy }]) => managedBy === "file");
  for (const [key, record] of others) if (record.managedBy === "api") records.set(key, record);
  return {
    records,
    put,
    remove: remove.map(([, { kind, object }]) => ({ kind, id: object.id })),
  };
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** The record of an object in a file: the stored one where that says the same. */
function toRecord(
  { kind, object }: KindObject,
  stored: ObjectRecord | undefined,
  tools: Tools,
): ObjectRecord {
  if (stored?.managedBy === "api")
    throw new ConfigError(
      `the ${kinds.get(kind)?.noun} "${object.id}" already belongs to the API; give the one in the file another id`,
    );
  const complete =
    kind === "application"
      ? { ...object, aud: object.aud ?? stored?.object.aud ?? tools.makeAud() }
      : object;
  if (stored !== undefined && isDeepStrictEqual(stored.object, complete)) return stored;
  const { now } = tools;
  const createdAt = stored?.createdAt ?? now;
  return { kind, object: complete, managedBy: "file", createdAt, updatedAt: now };
}
