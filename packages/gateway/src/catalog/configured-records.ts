// Configured objects as they are stored: plain JSON, with the secrets of identity providers sealed.
// What is read back is the same as what was configured, so that a catalog can be made from either.
import type { Config } from "../config/load-config.ts";
import type { OidcConfig } from "../model/model.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredObject } from "../storage/store.ts";

/** A stored object that is opened: its body holds all other fields, secrets in clear. */
export interface ConfiguredRecord extends Pick<StoredObject, "kind" | "id" | "name" | "aud"> {
  body: Record<string, unknown>;
}

/** The one organization; nobody chooses its id. */
const organizationId = "organization";

/**
 * The objects of a configuration, in its order. An application's AUD is null where it has to be
 * found or made.
 */
export function recordsOf(config: Config): ConfiguredRecord[] {
  // The team domain is the file's alone: where people sign in goes with the addresses that are
  // listened on.
  const { auth_domain: _, ...organization } = config.organization;
  return [
    record("organization", { id: organizationId, ...organization }),
    ...config.identity_providers.map((each) => record("identity_provider", each)),
    ...config.groups.map((each) => record("group", each)),
    ...config.policies.map((each) => record("policy", each)),
    ...config.service_tokens.map((each) => record("service_token", each)),
    ...config.applications.map((each) => record("application", each)),
  ];
}

function record(
  kind: StoredObject["kind"],
  object: { id: string; name: string; aud?: string },
): ConfiguredRecord {
  const { id, name, aud = null, ...body } = object;
  return { kind, id, name, aud, body };
}

/** Names an object among all of them. */
export function keyOf({ kind, id }: Pick<StoredObject, "kind" | "id">): string {
  return `${kind} ${id}`;
}

export function sealBody({ kind, id, body }: ConfiguredRecord, secretBox: SecretBox): string {
  return JSON.stringify(withSecret(kind, body, (secret) => secretBox.seal(secret, contextOf(id))));
}

/** Undefined when a secret in it was sealed with another key, or the body is not what we write. */
export function openObject(
  { kind, id, name, aud, body }: StoredObject,
  secretBox: SecretBox,
): ConfiguredRecord | undefined {
  try {
    const open = (secret: string) => secretBox.open(secret, contextOf(id)) ?? fail();
    return { kind, id, name, aud, body: withSecret(kind, JSON.parse(body), open) };
  } catch {
    return undefined;
  }
}

function fail(): never {
  throw new Error("sealed with another key");
}

function contextOf(id: string): string {
  return `idp client_secret ${id}`;
}

function withSecret(
  kind: StoredObject["kind"],
  body: Record<string, unknown>,
  change: (secret: string) => string,
) {
  const config = body["config"] as Partial<OidcConfig> | undefined;
  if (kind !== "identity_provider" || config?.client_secret === undefined) return body;
  return { ...body, config: { ...config, client_secret: change(config.client_secret) } };
}
