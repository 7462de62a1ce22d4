// Objects in force ⇄ rows of the store: plain JSON, with secrets sealed. Whatever comes out is
// judged by the schema of its kind, like what goes in: a damaged row is an error that names it, and
// never an object with a field less.
import type { KindObject } from "../config/config-objects.ts";
import type { ConfiguredObject, Kind } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { createReport, fieldName } from "../model/problem.ts";
import { isMap, readValue } from "../model/read-value.ts";
import { replaceAt, valueAt } from "../model/value-at.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredObject } from "../storage/store.ts";

/** An object in force, and what the store knows of it beside. */
export interface ObjectRecord extends KindObject {
  managedBy: StoredObject["managed_by"];
  /** milliseconds since the epoch */
  createdAt: number;
  /** milliseconds since the epoch */
  updatedAt: number;
}

/** The row of an object. */
export function toRow(record: ObjectRecord, secretBox: SecretBox): StoredObject {
  const { kind, object, managedBy, createdAt, updatedAt } = record;
  const sealed = withSecrets(kind, object, (secret, context) => secretBox.seal(secret, context));
  const { id, name, aud = null, ...body } = sealed;
  return {
    kind,
    id,
    name,
    aud,
    managed_by: managedBy,
    body: JSON.stringify(body),
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

/**
 * @throws {Error} when a secret in the row was sealed with another key, or its content is not what
 * the kind has; names the object and the field, and shows no value
 */
export function fromRow(row: StoredObject, secretBox: SecretBox): ObjectRecord {
  const kind = kinds.get(row.kind);
  if (kind === undefined) throw damage(row, "its kind is unknown");
  const object = withSecrets(
    row.kind,
    parseRow(row),
    (secret, context) => secretBox.open(secret, context) ?? sealedElsewhere(row),
  );
  return {
    kind: row.kind,
    object: readStored(kind, object, row),
    managedBy: row.managed_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function parseRow(row: StoredObject): ConfiguredObject {
  const { id, name, aud } = row;
  let body: unknown;
  try {
    body = JSON.parse(row.body);
  } catch {
    throw damage(row, "its body is not JSON");
  }
  if (!isMap(body)) throw damage(row, "its body is not a map of fields");
  return aud === null ? { id, name, ...body } : { id, name, aud, ...body };
}

function readStored(kind: Kind, object: unknown, row: StoredObject): ConfiguredObject {
  const report = createReport();
  const stored = readValue(kind.stored, object, report);
  if (stored !== undefined) return stored;
  const [problem] = report.problems;
  const field = fieldName(problem?.path ?? []);
  throw damage(row, `${field === "" ? "" : `${field}: `}${problem?.what}`);
}

/** The object with each of its secrets changed. */
function withSecrets(
  kind: string,
  object: ConfiguredObject,
  change: (secret: string, context: string) => string,
): ConfiguredObject {
  const secrets = kinds.get(kind)?.secrets ?? [];
  return secrets.reduce((result, { at, context }) => {
    const secret = valueAt(result, at);
    if (typeof secret !== "string") return result;
    const changed = change(secret, `${context} ${object.id}`);
    return replaceAt(result, at, changed) as ConfiguredObject;
  }, object);
}

function sealedElsewhere(row: StoredObject): never {
  throw new Error(
    `the stored ${nounOf(row)} "${row.name}" cannot be opened: its secret was sealed with another key; restore the file that secret_key_file named`,
  );
}

function damage(row: StoredObject, what: string): Error {
  const { kind, id, name } = row;
  return new Error(
    `the stored ${nounOf(row)} "${name}" is damaged: ${what}; restore the database from a backup, or delete the row "${kind}", "${id}" of its table objects`,
  );
}

function nounOf({ kind }: StoredObject): string {
  return kinds.get(kind)?.noun ?? kind;
}
