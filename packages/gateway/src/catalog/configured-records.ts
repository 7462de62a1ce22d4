// Configured objects as they are stored: plain JSON, with their secrets sealed. What is read back
// is the same as what was configured, so that a catalog can be made from either.
import type { Config } from "../config/load-config.ts";
import type { ConfiguredObject, Secret } from "../model/kind.ts";
import { kinds, type ObjectKind } from "../model/kinds.ts";
import { organizationId } from "../model/organization.ts";
import { replaceAt, valueAt } from "../model/value-at.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredObject } from "../storage/store.ts";

/** A stored object that is opened: its body holds all other fields, secrets in clear. */
export interface ConfiguredRecord extends Pick<StoredObject, "kind" | "id" | "name" | "aud"> {
  body: Record<string, unknown>;
}

/**
 * The objects of a configuration, in its order. An application's AUD is null where it has to be
 * found or made.
 */
export function recordsOf(config: Config): ConfiguredRecord[] {
  // The team domain is the file's alone: where people sign in goes with the addresses that are
  // listened on.
  const { auth_domain: _, ...organization } = config.organization;
  const sections: Record<string, unknown> = {
    ...config,
    organization: [{ id: organizationId, ...organization }],
  };
  return [...kinds.values()].flatMap(({ name, section }) =>
    (sections[section] as ConfiguredObject[]).map((object) => record(name as ObjectKind, object)),
  );
}

function record(kind: ObjectKind, object: ConfiguredObject): ConfiguredRecord {
  const { id, name, aud = null, ...body } = object;
  return { kind, id, name, aud, body };
}

/** Names an object among all of them. */
export function keyOf({ kind, id }: Pick<StoredObject, "kind" | "id">): string {
  return `${kind} ${id}`;
}

export function sealBody(record: ConfiguredRecord, secretBox: SecretBox): string {
  return JSON.stringify(withSecrets(record, (secret, context) => secretBox.seal(secret, context)));
}

/** Undefined when a secret in it was sealed with another key, or the body is not what we write. */
export function openObject(
  { kind, id, name, aud, body }: StoredObject,
  secretBox: SecretBox,
): ConfiguredRecord | undefined {
  try {
    const record = { kind, id, name, aud, body: JSON.parse(body) };
    const open = (secret: string, context: string) => secretBox.open(secret, context) ?? fail();
    return { ...record, body: withSecrets(record, open) };
  } catch {
    return undefined;
  }
}

function fail(): never {
  throw new Error("sealed with another key");
}

/** The body with each of its secrets changed. */
function withSecrets(
  { kind, id, body }: ConfiguredRecord,
  change: (secret: string, context: string) => string,
): Record<string, unknown> {
  const secrets: readonly Secret[] = kinds.get(kind)?.secrets ?? [];
  return secrets.reduce((result, { at, context }) => {
    const secret = valueAt(result, at);
    if (typeof secret !== "string") return result;
    return replaceAt(result, at, change(secret, `${context} ${id}`)) as Record<string, unknown>;
  }, body);
}
