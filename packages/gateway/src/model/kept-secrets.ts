// Secrets of identity providers are written and never shown: one that is left out, as whoever sends
// back what it got does, stays as it is.
import { identityProvider } from "./identity-provider.ts";
import type { ConfiguredObject } from "./kind.ts";
import type { FieldPath } from "./problem.ts";
import { replaceAt, valueAt } from "./value-at.ts";

/** What stands for a secret in answers of others. */
const mask = /^\*+$/;

/** A provider as somebody wrote it, with the secrets that are left out and may stay. */
export function withKeptSecrets(
  written: Record<string, unknown>,
  standing: ConfiguredObject | undefined,
): Record<string, unknown> {
  const isKept = isSameAddress(written, standing);
  return identityProvider.secrets.reduce<Record<string, unknown>>((fields, { at }) => {
    const sent = valueAt(fields, at);
    const secret = isKept ? valueAt(standing, at) : undefined;
    const isLeftOut = sent === undefined || sent === null || mask.test(`${sent}`);
    if (!isLeftOut || secret === undefined) return fields;
    return replaceAt(fields, at, secret) as Record<string, unknown>;
  }, written);
}

/**
 * Whether a secret would be told to nobody else than before: whoever writes may not read it, and
 * must not have it sent to an address of theirs.
 */
function isSameAddress(written: object, standing: ConfiguredObject | undefined): boolean {
  if (standing === undefined) return false;
  // null says that there is none, as leaving it out does (access-api 1.4).
  const addressAt = (object: object, at: FieldPath) => valueAt(object, at) ?? undefined;
  return addressFields.every((at) => addressAt(written, at) === addressAt(standing, at));
}

const addressFields = [
  ["type"],
  ...["issuer", "auth_url", "token_url", "certs_url"].map((field) => ["config", field]),
];
