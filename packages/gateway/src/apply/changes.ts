// What somebody wants of a gateway's objects, and what becomes of it: every object is judged beside
// all the others as they are to be, and nothing is proposed where one of them may not be. Pure but
// for the time and the randomness that are handed in.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { parseDuration } from "@postern/protocol";
import { keyOfObject, objectKeyOf, type Records } from "../catalog/records.ts";
import type { Steps } from "../catalog/steps.ts";
import type { ObjectRecord } from "../catalog/stored-objects.ts";
import { keyOf } from "../config/config-objects.ts";
import { application } from "../model/application.ts";
import { identityProvider } from "../model/identity-provider.ts";
import { withKeptSecrets } from "../model/kept-secrets.ts";
import type { ConfiguredObject, Kind } from "../model/kind.ts";
import { kinds, type ObjectKind } from "../model/kinds.ts";
import { findOversize } from "../model/object-size.ts";
import { createReport, type FieldPath, type Problem } from "../model/problem.ts";
import { isMap, tryRead } from "../model/read-value.ts";
import { type ServiceToken, serviceToken } from "../model/service-token.ts";
import { checkReferences, readObject, withRemedy } from "../model/validate.ts";
import { valueAt } from "../model/value-at.ts";
import { createWorld, type GrowingWorld, type Surroundings } from "../model/world.ts";
import type { RandomBytes } from "../random.ts";
import type { ObjectKey } from "../storage/store.ts";
import { inputOf, secretsOf } from "./account-object.ts";
import { withStandIn } from "./stand-in-secrets.ts";

/** What is wanted. References are ids. */
export interface ChangeRequest {
  put: readonly WantedObject[];
  remove: readonly UnwantedObject[];
}

/** An object as it is to be. */
export interface WantedObject {
  kind: string;
  id: string;
  /** what the kind's schema reads; secrets that are left out stay */
  fields: Record<string, unknown>;
  /** `updated_at` of the object as whoever asks knows it; null: there was none */
  before: string | null;
}

/** An object that is to be gone. */
export interface UnwantedObject {
  kind: string;
  id: string;
  before: string;
}

/** What differs for one object. Without secrets. */
export interface ObjectChange {
  action: "created" | "updated" | "deleted";
  kind: string;
  id: string;
  name: string;
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  /** the fields of secrets that become others */
  secrets: string[];
}

/** A secret that an object should have and nobody has said. */
export interface MissingSecret {
  kind: string;
  id: string;
  name: string;
  field: string;
}

/** What is wrong with a request; paths begin with `put` or `remove` and the place there. */
export type ChangeProblem = Pick<Problem, "path" | "what">;

/** What becomes of a request. */
export type ChangeProposal =
  | {
      ok: true;
      put: ObjectRecord[];
      remove: ObjectKey[];
      changes: ObjectChange[];
      missing: MissingSecret[];
      warnings: ChangeProblem[];
    }
  | { ok: false; problems: ChangeProblem[] };

interface ChangeTools {
  surroundings: Surroundings;
  /** milliseconds since the epoch */
  now: number;
  randomBytes: RandomBytes;
}

/** An object that was read, with the place in the request. */
interface Candidate {
  at: FieldPath;
  kind: Kind;
  input: unknown;
  object: ConfiguredObject;
  standing: ObjectRecord | undefined;
  missing: MissingSecret[];
}

const staleText = "was changed by somebody else meanwhile; run the command again";

/** Judges a request, one object a step. */
export function* proposeChanges(
  request: ChangeRequest,
  records: Records,
  tools: ChangeTools,
): Steps<ChangeProposal> {
  const report = createReport();
  const removed = new Set(request.remove.map(({ kind, id }) => keyOf(kind, id)));
  const put = new Set(request.put.map(({ kind, id }) => keyOf(kind, id)));

  // 1. Read what is to be.
  const candidates: Candidate[] = [];
  for (const [index, wanted] of request.put.entries()) {
    const candidate = readCandidate(wanted, ["put", index], { records, report, tools });
    if (candidate !== undefined) candidates.push(candidate);
    yield;
  }

  // 2. Judge each beside the others, as they are to be.
  const staying = [...records].filter(([key]) => !removed.has(key) && !put.has(key));
  const world = worldOf(
    staying.map(([, record]) => record),
    candidates,
    tools.surroundings,
  );
  for (const { at, kind, input, object } of candidates) {
    kind.check(input, world, {
      problem: (path, what, details) => report.problem([...at, ...path], what, details),
      warning: (path, what, details) => report.warning([...at, ...path], what, details),
    });
    checkReferences(kind.references(object), object, world, {
      problem: (path, what, details) => report.problem([...at, ...path], what, details),
      warning: () => undefined,
    });
    world.claim(kind, object, labelOf(kind.name, object));
    yield;
  }

  // 3. Let nothing go that others refer to.
  const gone = readRemovals(request.remove, records, report);
  const users = [
    ...staying.map(([, record]) => record),
    ...candidates.map(({ kind, object }) => ({ kind: kind.name, object })),
  ];
  const places = new Map(request.remove.map(({ kind, id }, index) => [keyOf(kind, id), index]));
  for (const { kind, object } of places.size === 0 ? [] : users) {
    for (const { kind: of, at } of kinds.get(kind)?.references(object) ?? []) {
      const index = places.get(keyOf(of, `${valueAt(object, at)}`));
      const what = `is in use by ${labelOf(kind, object)}; remove it there first`;
      if (index !== undefined) report.problem(["remove", index], what);
    }
  }
  if (report.problems.length > 0) return { ok: false, problems: report.problems.map(withRemedy) };

  // 4. Say what differs.
  const changed = candidates.flatMap(
    (candidate, place) => changeOf(candidate, tools.now, place) ?? [],
  );
  const changedKeys = new Set(changed.map(({ record }) => keyOfObject(record)));
  return {
    ok: true,
    put: changed.map(({ record }) => record),
    remove: gone.map(objectKeyOf),
    changes: [...changed.map(({ change }) => change), ...gone.map(removalOf)],
    missing: candidates
      .filter(({ kind, object }) => changedKeys.has(keyOf(kind.name, object.id)))
      .flatMap(({ missing }) => missing),
    warnings: report.warnings.map(withRemedy),
  };
}

interface Reading {
  records: Records;
  report: ReturnType<typeof createReport>;
  tools: ChangeTools;
}

function readCandidate(
  { kind: kindName, id, fields, before }: WantedObject,
  at: FieldPath,
  { records, report, tools }: Reading,
): Candidate | undefined {
  const kind = kinds.get(kindName);
  if (kind === undefined) {
    report.problem(at, `is of no kind that this gateway has: ${JSON.stringify(kindName)}`);
    return undefined;
  }
  const standing = records.get(keyOf(kindName, id));
  if (before !== updatedAtOf(standing)) {
    report.problem(at, staleText);
    return undefined;
  }
  const { aud } = standing?.object ?? {};
  if (aud !== undefined && ![undefined, null, aud].includes(fields["aud"] as string)) {
    report.problem(
      [...at, "aud"],
      "is not the AUD that the application has, which never changes; remove it",
    );
    return undefined;
  }
  const oversize = findOversize(kind, fields);
  if (oversize !== undefined) {
    report.problem([...at, ...oversize.path], oversize.what);
    return undefined;
  }
  const written = kind.naming === "one" ? fields : { ...fields, id };
  const complete = completed(kind, written, standing?.object, tools);
  const { fields: whole, standIns } = withStandIn(kind, complete.fields, tools.randomBytes);
  const candidateReport = createReport();
  const input = readObject(kind, whole, candidateReport);
  for (const { path, what, ...details } of candidateReport.problems)
    report.problem([...at, ...path], what, details);
  if (input === undefined) return undefined;
  const object = kind.toObject(input, { hash: sha256 });
  if (standing?.managedBy === "file" && !isSame(kindName, standing.object, object)) {
    report.problem(at, "belongs to the configuration file of the gateway; change it there");
    return undefined;
  }
  const lost = lostSecrets(kindName, object, standing?.object);
  const missingFields = new Set([...complete.missing, ...standIns, ...lost]);
  const missing = [...missingFields].map((field) => ({
    ...{ kind: kindName, id, name: object.name, field },
  }));
  return { at, kind, input, object, standing, missing };
}

/** Secrets that an object had, and that its other address must not be told. */
function lostSecrets(
  kind: string,
  object: ConfiguredObject,
  standing: ConfiguredObject | undefined,
): string[] {
  if (standing === undefined || kind !== identityProvider.name) return [];
  const kept = secretsOf(kind, object);
  return [...secretsOf(kind, standing).keys()].filter((field) => !kept.has(field));
}

interface Completed {
  fields: Record<string, unknown>;
  missing: string[];
}

/** What somebody wrote, with what only the gateway knows. */
function completed(
  kind: Kind,
  written: Record<string, unknown>,
  standing: ConfiguredObject | undefined,
  tools: ChangeTools,
): Completed {
  const fields = withoutNulls(written) as Record<string, unknown>;
  switch (kind.name) {
    case application.name: {
      const aud = fields["aud"] ?? standing?.aud ?? tools.randomBytes(32).toString("hex");
      return { fields: { ...fields, aud }, missing: [] };
    }
    case identityProvider.name:
      return { fields: withKeptSecrets(fields, standing), missing: [] };
    case serviceToken.name:
      return completedToken(fields, standing as ServiceToken | undefined, tools);
    default:
      return { fields, missing: [] };
  }
}

/** A token keeps its secret, or gets one that nobody knows, until somebody asks for another. */
function completedToken(
  fields: Record<string, unknown>,
  standing: ServiceToken | undefined,
  tools: ChangeTools,
): Completed {
  const completed = withSecret(fields, standing, tools);
  if (fields["enabled"] !== false) return completed;
  // Switching off ends a secret that was left for a while, for good, whoever switches it on again.
  const {
    previous_client_secret_hash: _hash,
    previous_client_secret_expires_at: _end,
    ...rest
  } = completed.fields;
  return { ...completed, fields: rest };
}

function withSecret(
  fields: Record<string, unknown>,
  standing: ServiceToken | undefined,
  { now, randomBytes }: ChangeTools,
): Completed {
  const timed = { ...fields, ...expiryOf(fields, standing, now) };
  const { client_secret, client_secret_hash } = fields;
  if (standing === undefined) {
    if (client_secret !== undefined || client_secret_hash !== undefined)
      return { fields: timed, missing: [] };
    const unknown = sha256(randomBytes(32).toString("hex"));
    return { fields: { ...timed, client_secret_hash: unknown }, missing: ["client_secret"] };
  }
  const hash = client_secret === undefined ? client_secret_hash : sha256(String(client_secret));
  const isKept = hash === undefined || hash === standing.client_secret_hash;
  if (!isKept) return { fields: timed, missing: [] };
  const { client_secret_hash: kept, ...rest } = keptSecret(standing);
  const own = client_secret === undefined ? { client_secret_hash: kept } : {};
  return { fields: { ...rest, ...own, ...timed }, missing: [] };
}

/** The secret of a token and what goes with it, where the file says nothing else. */
function keptSecret(token: ServiceToken): Record<string, unknown> {
  const { previous_client_secret_expires_at: end, client_secret_hash } = token;
  return {
    client_secret_hash,
    client_secret_version: token.client_secret_version,
    previous_client_secret_hash: token.previous_client_secret_hash,
    previous_client_secret_expires_at: end === undefined ? undefined : new Date(end).toISOString(),
  };
}

/** A duration begins where it is stated first, and again where it becomes another. */
function expiryOf(
  { expires_at, duration }: Record<string, unknown>,
  standing: ServiceToken | undefined,
  now: number,
): Record<string, unknown> {
  if (expires_at !== undefined || typeof duration !== "string" || duration === "forever") return {};
  const isOld = standing?.duration === duration && standing.expires_at !== undefined;
  const end = isOld ? standing.expires_at : now + lengthOf(duration);
  return end === undefined || Number.isNaN(end) ? {} : { expires_at: new Date(end).toISOString() };
}

function lengthOf(duration: string): number {
  const reading = tryRead(serviceToken.fields.shape["duration"] as never, duration);
  return reading.success ? parseDuration(duration) : Number.NaN;
}

function worldOf(
  staying: readonly ObjectRecord[],
  candidates: readonly Candidate[],
  surroundings: Surroundings,
): GrowingWorld {
  const world = createWorld(surroundings);
  for (const { kind: name, object } of staying) {
    const kind = kinds.get(name);
    if (kind === undefined) continue;
    world.add(kind, object.id, object);
    world.claim(kind, object, labelOf(name, object));
  }
  for (const { kind, object } of candidates) world.add(kind, object.id, object);
  return world;
}

function readRemovals(
  remove: readonly UnwantedObject[],
  records: Records,
  report: ReturnType<typeof createReport>,
): ObjectRecord[] {
  return remove.flatMap(({ kind, id, before }, index) => {
    const record = records.get(keyOf(kind, id));
    const at = ["remove", index];
    if (record === undefined || before !== updatedAtOf(record)) report.problem(at, staleText);
    else if (record.managedBy === "file")
      report.problem(at, "belongs to the configuration file of the gateway; remove it there");
    return record === undefined ? [] : [record];
  });
}

function updatedAtOf(record: ObjectRecord | undefined): string | null {
  return record === undefined ? null : new Date(record.updatedAt).toISOString();
}

/**
 * The record of an object that is to be, and what it changes; undefined where that is nothing.
 * @param place in the request: lists have objects in the order of their making
 */
function changeOf({ kind, object, standing }: Candidate, now: number, place: number) {
  if (standing !== undefined && isSame(kind.name, standing.object, object)) return undefined;
  // Two writes of one millisecond must not look alike.
  const updatedAt = Math.max(now, (standing?.updatedAt ?? 0) + 1);
  const record: ObjectRecord = {
    ...{ kind: kind.name as ObjectKind, object, managedBy: "api" },
    ...{ createdAt: standing?.createdAt ?? now + place, updatedAt },
  };
  const after = inputOf(kind.name, object);
  const { id, name } = object;
  const named = { kind: kind.name, id, name };
  if (standing === undefined)
    return { record, change: { ...named, action: "created", after, secrets: [] } as ObjectChange };
  const before = inputOf(kind.name, standing.object);
  const secrets = otherSecrets(kind.name, standing.object, object);
  const change: ObjectChange = { ...named, action: "updated", before, after, secrets };
  return { record, change };
}

function removalOf({ kind, object }: ObjectRecord): ObjectChange {
  const { id, name } = object;
  return { action: "deleted", kind, id, name, before: inputOf(kind, object), secrets: [] };
}

/** Whether two objects are the same to everybody, whatever they were written like. */
function isSame(kind: string, one: ConfiguredObject, other: ConfiguredObject): boolean {
  if (!isDeepStrictEqual(inputOf(kind, one), inputOf(kind, other))) return false;
  return otherSecrets(kind, one, other).length === 0;
}

function otherSecrets(kind: string, one: ConfiguredObject, other: ConfiguredObject): string[] {
  const [before, after] = [secretsOf(kind, one), secretsOf(kind, other)];
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields].filter((field) => before.get(field) !== after.get(field));
}

function labelOf(kind: string, { name }: { name: string }): string {
  return `the ${kinds.get(kind)?.noun ?? kind} ${JSON.stringify(name)}`;
}

/** Without what is null, which says that a field is not set. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
