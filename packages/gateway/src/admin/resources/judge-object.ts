// Whether an object may be what somebody wrote: by the kind's own rules, and beside all others.
import { createHash } from "node:crypto";
import { keyOfObject, type Records } from "../../catalog/records.ts";
import { referrersOf } from "../../catalog/references.ts";
import { describeObject } from "../../catalog/removals.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import type { Settings } from "../../config/read-settings.ts";
import type { ConfiguredObject, Kind, World } from "../../model/kind.ts";
import { kinds } from "../../model/kinds.ts";
import { findOversize } from "../../model/object-size.ts";
import { type FieldPath, fieldName, type Problem } from "../../model/problem.ts";
import { isMap } from "../../model/read-value.ts";
import { validate } from "../../model/validate.ts";
import { createWorld } from "../../model/world.ts";
import { type ApiError, apiError, type ErrorName } from "../error-codes.ts";
import { type Failure, fail } from "../route.ts";
import type { AdminToken } from "../tokens/admin-tokens.ts";

/** A valid object with what is hardly meant, or why it is none. */
export type Judgement = { ok: true; object: ConfiguredObject; messages: ApiError[] } | Failure;

/**
 * Judges an object.
 * @param fields what somebody wrote, with its id
 * @param world the others
 */
export function judgeObject(kind: Kind, fields: unknown, world: World): Judgement {
  const oversize = findOversize(kind, fields);
  if (oversize !== undefined)
    return { ok: false, status: 400, errors: [problemError("invalid", kind, oversize)] };
  const { input, problems, warnings } = validate(kind, fields, world);
  if (input === undefined || problems.length > 0) {
    const errors = told("invalid", kind, problems);
    return { ok: false, status: 400, errors };
  }
  const messages = told("warning", kind, warnings);
  return { ok: true, object: kind.toObject(input, { hash: sha256 }), messages };
}

/** What others are called. */
export type ObjectLabel = (record: ObjectRecord) => string;

/** To a token for some applications, the others have no names. */
export function labelFor({ applications }: Pick<AdminToken, "applications">): ObjectLabel {
  return applications === null ? describeObject : ({ kind }) => `another ${nounOf(kind)}`;
}

function nounOf(kind: string): string {
  return kinds.get(kind)?.noun ?? kind;
}

/**
 * The other objects, as one is judged against them.
 * @param key of the one that is replaced
 * @param label what they are called in faults
 */
export function worldOf(
  records: Records,
  key: string | undefined,
  { team_host, relay_hosts, smtp, geoip_file }: Settings,
  label: ObjectLabel = describeObject,
): World {
  const ownHosts = new Set([team_host, ...relay_hosts]);
  const world = createWorld({
    ownHosts,
    hasMail: smtp !== undefined,
    knowsCountries: geoip_file !== undefined,
  });
  for (const record of records.values()) {
    const kind = kinds.get(record.kind);
    if (kind === undefined || keyOfObject(record) === key) continue;
    world.add(kind, record.object.id, record.object);
    world.claim(kind, record.object, label(record));
  }
  return world;
}

/** Refuses to remove what others refer to: they would let in others without it, or nobody. */
export function refuseInUse(
  record: ObjectRecord,
  records: Records,
  label: ObjectLabel = describeObject,
): Failure | undefined {
  const users = referrersOf(record, records);
  if (users.length === 0) return undefined;
  const [first, ...others] = users.map(label);
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return fail(
    "in_use",
    `${describeObject(record)} is in use by ${first}${more}; remove it there first.`,
  );
}

/** Without what is null, which says that a field is not set (access-api 1.4). */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

function told(name: ErrorName, kind: Kind, problems: readonly Problem[]): ApiError[] {
  return firstOf(name, problems, (problem) => problemError(name, kind, problem));
}

/** Of the same mistake in each of thousands of items, some say it all. */
const mostTold = 100;

/** The first of many problems as errors, and how many more there are. */
export function firstOf<Each>(
  name: ErrorName,
  problems: readonly Each[],
  toError: (problem: Each) => ApiError,
): ApiError[] {
  const errors = problems.slice(0, mostTold).map(toError);
  const more = problems.length - errors.length;
  if (more > 0) errors.push(apiError(name, `There are ${more} more of these.`));
  return errors;
}

function problemError(name: ErrorName, { noun }: Kind, { path, what }: Problem): ApiError {
  const subject = path.length === 0 ? `The ${noun}` : fieldName(path);
  return apiError(name, `${subject} ${what}.`, pointerTo(path));
}

/** RFC 6901 */
export function pointerTo(path: FieldPath): string {
  const parts = path.map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"));
  return parts.map((part) => `/${part}`).join("");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
