// What becomes of a service token: a new secret, another end, and what is shown of it. Pure but for
// the randomness that is handed in.
import { createHash } from "node:crypto";
import { parseDuration } from "@postern/protocol";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { defined } from "../../defined.ts";
import { tryRead } from "../../model/read-value.ts";
import { makeServiceSecret } from "../../model/service-secret.ts";
import { moment, type ServiceToken } from "../../model/service-token.ts";
import type { RandomBytes } from "../../random.ts";
import { type Failure, fail } from "../route.ts";

/** One year (access-features 14). */
export const defaultDuration = "8760h";

/** A secret that was made, and the fields of the token that come of it, as somebody writes them. */
export interface NewSecret {
  text: string;
  fields: Record<string, unknown>;
}

/**
 * Makes a secret in the place of the one that a token has.
 * @param graceUntil how long that one holds as well, milliseconds since the epoch
 */
export function withNewSecret(
  { client_secret_hash: before }: Partial<ServiceToken>,
  graceUntil: number | undefined,
  { randomBytes, now }: { randomBytes: RandomBytes; now(): number },
): NewSecret {
  const text = makeServiceSecret(randomBytes);
  const client_secret_hash = createHash("sha256").update(text).digest("hex");
  const hasGrace = before !== undefined && graceUntil !== undefined && graceUntil > now();
  return {
    text,
    fields: {
      client_secret_hash,
      previous_client_secret_hash: hasGrace ? before : undefined,
      previous_client_secret_expires_at: hasGrace ? timeText(graceUntil) : undefined,
    },
  };
}

/** Until when a body says that the secret before holds; undefined where it says nothing. */
export function readGrace(
  written: Record<string, unknown>,
): { ok: true; until: number | undefined } | Failure {
  const field = "previous_client_secret_expires_at";
  if (written[field] === undefined) return { ok: true, until: undefined };
  const reading = tryRead(moment, written[field]);
  if (reading.success) return { ok: true, until: reading.data };
  return fail(
    "invalid",
    `${field} is not a time; write it like 2027-01-31T00:00:00Z.`,
    `/${field}`,
  );
}

/** The token, whose duration begins now. */
export function withExpiry(token: ServiceToken, now: number): ServiceToken {
  const { expires_at: _before, ...rest } = token;
  const { duration = defaultDuration } = token;
  if (duration === "forever") return rest;
  return { ...rest, expires_at: now + parseDuration(duration) };
}

/** The token, for a year from now; one that never ends stays so. */
export function refreshed(token: ServiceToken, now: number): ServiceToken {
  if (token.duration === "forever") return token;
  return { ...token, expires_at: now + parseDuration(defaultDuration) };
}

/** The token, without the secret that was left for a while beside the one that it has. */
export function withoutGrace(token: ServiceToken): ServiceToken {
  const {
    previous_client_secret_hash: _hash,
    previous_client_secret_expires_at: _end,
    ...rest
  } = token;
  return rest;
}

/** A token as somebody would write it. */
export function inputOf(token: ServiceToken): Record<string, unknown> {
  const { expires_at, previous_client_secret_expires_at, ...rest } = token;
  return defined({
    ...rest,
    expires_at: timeText(expires_at),
    previous_client_secret_expires_at: timeText(previous_client_secret_expires_at),
  });
}

/** What is shown of a token. @param lastUse milliseconds since the epoch, where it was ever used */
export function showServiceToken(
  { object, managedBy, createdAt, updatedAt }: ObjectRecord,
  lastUse?: number,
): Record<string, unknown> {
  const { id, name, client_id, enabled, duration, ...token } = object as ServiceToken;
  return defined({
    ...{ id, name, client_id, enabled, duration },
    expires_at: timeText(token.expires_at) ?? null,
    client_secret_version: token.client_secret_version ?? 1,
    previous_client_secret_expires_at: timeText(token.previous_client_secret_expires_at),
    last_seen_at: timeText(lastUse),
    created_at: timeText(createdAt),
    updated_at: timeText(updatedAt),
    managed_by: managedBy,
  });
}

function timeText(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
