// How objects are written: a change is judged against what is stored by then, is written down in
// the step of the change itself, and is in force with its answer, or nothing has happened.
import { isDeepStrictEqual } from "node:util";
import type { ObjectEdit } from "../../catalog/changing-catalog.ts";
import { keyOfObject, objectKeyOf, type Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { Kind } from "../../model/kind.ts";
import type { ObjectKind } from "../../model/kinds.ts";
import type { StoredAuditEntry } from "../../storage/admin-records.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type AuditedChange, auditEntry, recordChange } from "../audit.ts";
import { type Answer, type Call, fail, succeed } from "../route.ts";
import {
  judgeObject,
  type ObjectLabel,
  refuseInUse,
  withoutNulls,
  worldOf,
} from "./judge-object.ts";

/** What a write comes to: a change, or nothing and why. */
export type Proposal = Omit<ObjectEdit<Answer>, "audit"> & { change?: AuditedChange };

/** Lets a change be made of what is stored, and writes it down with it. */
export async function writeObjects(
  call: Call,
  parts: AdminParts,
  propose: (records: Records) => Proposal,
): Promise<Answer> {
  let entry: StoredAuditEntry | undefined;
  const answer = await parts.edit((records) => {
    const { change, ...edit } = propose(records);
    entry = change && auditEntry(call, change, parts);
    return { ...edit, audit: entry === undefined ? [] : [entry] };
  });
  if (entry !== undefined) recordChange(entry, parts);
  return answer;
}

/** Nothing is changed. */
export function refused(result: Answer): Proposal {
  return { put: [], remove: [], result };
}

/** An object that is to be, as somebody wrote it. */
export interface WrittenObject {
  kind: Kind;
  /** what the kind's schema reads, but for `id` */
  fields: Record<string, unknown>;
  id: string;
  /** the object that it replaces */
  standing?: ObjectRecord | undefined;
  /** what others are called in faults; default: as people know them */
  label?: ObjectLabel;
  /** what people are shown of a record */
  show(record: ObjectRecord, records: Records): unknown;
}

/** Judges an object. What changes nothing is not written. @param status where all is well */
export function proposeObject(
  { kind, fields, id, standing, label, show }: WrittenObject,
  records: Records,
  { config, now }: AdminParts,
  status: number,
): Proposal {
  // 1. Whether it may be.
  const world = worldOf(records, keyOf(kind.name, id), config, label);
  const written = withoutNulls(fields) as object;
  // Nobody chooses the id of what there is one of.
  const named = kind.naming === "one" ? written : { ...written, id };
  const judgement = judgeObject(kind, named, world);
  if (!judgement.ok) return refused(judgement);
  const { object, messages } = judgement;

  // 2. What it becomes.
  const isSame = standing !== undefined && isDeepStrictEqual(standing.object, object);
  const updatedAt = isSame ? standing.updatedAt : now();
  const createdAt = standing?.createdAt ?? updatedAt;
  const record: ObjectRecord = {
    ...{ kind: kind.name as ObjectKind, object, managedBy: "api" },
    ...{ createdAt, updatedAt },
  };
  const after = show(record, new Map(records).set(keyOfObject(record), record));
  const result = { ...succeed(after, status), messages };
  if (isSame) return refused(result);

  // 3. What is told of it.
  const before = standing && show(standing, records);
  const action = standing === undefined ? "created" : "updated";
  const change = { action, kind: kind.name, id, name: object.name, before, after };
  return { put: [record], remove: [], result, change };
}

/** Takes an object away that nobody refers to. @param shown what people were shown of it */
export function proposeRemoval(
  standing: ObjectRecord,
  records: Records,
  shown: unknown,
  result: Answer,
  label?: ObjectLabel,
): Proposal {
  const refusal = refuseUnchangeable(standing) ?? refuseInUse(standing, records, label);
  if (refusal !== undefined) return refused(refusal);
  const { kind, object } = standing;
  const { id, name } = object;
  const change = { action: "deleted", kind, id, name, before: shown };
  return { put: [], remove: [objectKeyOf(standing)], result, change };
}

/** Objects of the file are for the file to change. */
export function refuseUnchangeable({ managedBy }: ObjectRecord): Answer | undefined {
  return managedBy === "file" ? fail("managed_by_file") : undefined;
}
