// What the API says of one kind of object beyond what the table of kinds does: where it is found,
// and what is shown of it.

import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import type { Kind } from "../../model/kind.ts";
import type { Area } from "../permissions.ts";
import type { Failure } from "../route.ts";
import type { AdminToken } from "../tokens/admin-tokens.ts";

/** Objects of one kind, as a resource. */
export interface ObjectResource {
  kind: Kind;
  /** below the account: "/access/groups" */
  path: string;
  area: Area;
  /** the status of a deletion (access-api 2) */
  deleted: 200 | 202;
  /** fields of the answers that nobody writes: whoever sends an object back may leave them in */
  readOnly: readonly string[];
  /** fields of the query by which lists are filtered, each with its test */
  filters: Readonly<Record<string, ListFilter>>;
  /**
   * Makes of a body what the kind's schema reads.
   * @param body without what is read-only
   */
  prepare?(body: Record<string, unknown>, place: WritePlace): Record<string, unknown>;
  /** What is shown of an object, beside what every one has. */
  show?(record: ObjectRecord, records: Records): Record<string, unknown>;
  /** whether a token that is for some applications alone may change what it sees */
  isNarrow?: true;
  /**
   * Why a token that is for some applications alone may not make of an object what it wants to:
   * that would reach what belongs to others.
   */
  refuseNarrow?(change: NarrowChange): Failure | undefined;
  /** whether a token that is for some applications alone sees an object; absent: it sees none */
  isVisible?(record: ObjectRecord, applications: readonly string[], records: Records): boolean;
}

/** A change by a token that is for some applications alone. */
export interface NarrowChange {
  before: ObjectRecord;
  after: ObjectRecord;
  applications: readonly string[];
  /** as they are before */
  records: Records;
}

/** Where a body is to be written. */
export interface WritePlace {
  /** the object that is replaced */
  standing: ObjectRecord | undefined;
  records: Records;
}

/** Fields that every object has, and nobody writes. */
export const ownFields = ["id", "uid", "created_at", "updated_at", "managed_by", "account_id"];

/** @param value of the query */
export type ListFilter = (
  shown: Record<string, unknown>,
  value: string,
  isExact: boolean,
) => boolean;

/** `name`: a part of it, whatever the case; all of it where `exact=true` is said. */
export const byName: ListFilter = (shown, value, isExact) => holds(shown["name"], value, isExact);

/** `search`: as `name`, in any text field. */
export const bySearch: ListFilter = (shown, value) =>
  Object.values(shown).some((field) => holds(field, value, false));

/** Whether a field is, or has in it, a text. */
function holds(field: unknown, value: string, isExact: boolean): boolean {
  if (Array.isArray(field)) return field.some((each) => holds(each, value, isExact));
  if (typeof field !== "string") return false;
  return isExact ? field === value : field.toLowerCase().includes(value.toLowerCase());
}

/** What every object of the API shows of itself. */
export function showObject(
  { kind, show }: Pick<ObjectResource, "kind" | "show">,
  record: ObjectRecord,
  records: Records,
): Record<string, unknown> {
  const { object, managedBy, createdAt, updatedAt } = record;
  return {
    ...kind.toInput(object),
    ...show?.(record, records),
    id: object.id,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    managed_by: managedBy,
  };
}

/** Why a token may not make of an object what it wants to; undefined where it may. */
export function refuseReach(
  { refuseNarrow }: Pick<ObjectResource, "refuseNarrow">,
  { applications }: AdminToken,
  [before, after]: readonly [ObjectRecord | undefined, ObjectRecord | undefined],
  records: Records,
): Failure | undefined {
  if (applications === null || before === undefined || after === undefined) return undefined;
  return refuseNarrow?.({ before, after, applications, records });
}

/** Whether a token may know of an object. */
export function sees(
  { isVisible }: Pick<ObjectResource, "isVisible">,
  { applications }: AdminToken,
  record: ObjectRecord,
  records: Records,
): boolean {
  if (applications === null) return true;
  return isVisible?.(record, applications, records) === true;
}
