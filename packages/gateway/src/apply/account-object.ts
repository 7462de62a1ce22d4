// The objects of a gateway as a file would have them: with what is in force, and without secrets,
// of which only the names are told.

import type { Records } from "../catalog/records.ts";
import type { ObjectRecord } from "../catalog/stored-objects.ts";
import type { ConfiguredObject } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { fieldName } from "../model/problem.ts";
import { serviceToken } from "../model/service-token.ts";
import { valueAt } from "../model/value-at.ts";

/** One object; what a program gets of it over the network. */
export interface AccountObject {
  kind: string;
  id: string;
  name: string;
  managed_by: "api" | "file";
  /** ISO 8601 */
  updated_at: string;
  /** the object as somebody would write it, with ids in references and without secrets */
  input: Record<string, unknown>;
  /** the fields that hold secrets: `config.client_secret` */
  secrets: string[];
}

/** All of them, kind after kind, as files have them, and in the order of their making. */
export function recordsInOrder(records: Records): ObjectRecord[] {
  const places = new Map([...kinds.keys()].map((kind, place) => [kind, place]));
  const placeOf = ({ kind }: ObjectRecord) => places.get(kind) ?? places.size;
  return [...records.values()].sort(
    (a, b) =>
      placeOf(a) - placeOf(b) || a.createdAt - b.createdAt || (a.object.id < b.object.id ? -1 : 1),
  );
}

/** What is told of an object. */
export function toAccountObject({
  kind,
  object,
  managedBy,
  updatedAt,
}: ObjectRecord): AccountObject {
  return {
    ...{ kind, id: object.id, name: object.name, managed_by: managedBy },
    updated_at: new Date(updatedAt).toISOString(),
    input: inputOf(kind, object),
    secrets: [...secretsOf(kind, object).keys()],
  };
}

/** An object as somebody would write it, without secrets. */
export function inputOf(kind: string, object: ConfiguredObject): Record<string, unknown> {
  return kinds.get(kind)?.toInput(object) ?? {};
}

/** field → what nobody is shown of an object, as far as it is there */
export function secretsOf(kind: string, object: ConfiguredObject): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const { at } of kinds.get(kind)?.secrets ?? [])
    fields.set(fieldName(at), valueAt(object, at));
  // Of these the store has hashes alone, which are no secrets to it.
  if (kind === serviceToken.name)
    for (const [field, stored] of tokenSecrets) fields.set(field, valueAt(object, [stored]));
  return new Map([...fields].filter(([, value]) => value !== undefined));
}

/** the field that somebody writes → the one that is stored */
const tokenSecrets = [
  ["client_secret", "client_secret_hash"],
  ["previous_client_secret_hash", "previous_client_secret_hash"],
] as const;
