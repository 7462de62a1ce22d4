// Whether the credentials of a program are those of a service token that holds (access-features
// 14). Where they stand in a request is for whoever reads the request.
import { createHash, timingSafeEqual } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import type { ServiceToken } from "../model/model.ts";
import { isMistyped } from "../model/service-secret.ts";

/** Why the credentials of a program do not count. */
export type ServiceTokenFault = "half_service_token" | "two_service_tokens" | "bad_service_token";

/** What stands in the headers of a program, not checked yet. */
export type ServiceCredentials =
  | { ok: true; clientId: string; secret: string }
  | { ok: false; fault: ServiceTokenFault };

/** Which service token the credentials are, if they hold. */
export type ServiceTokenCheck = ServiceTokenProof | FailedServiceToken;

/** A service token that holds, and by which of its secrets. */
export interface ServiceTokenProof {
  ok: true;
  serviceToken: ServiceToken;
  /** SHA-256 of the secret, hex */
  secretHash: string;
}

/** Why the credentials do not hold. What is beside the fault is for the log alone. */
export interface FailedServiceToken {
  ok: false;
  fault: ServiceTokenFault;
  /** of the token that was meant, where there is one */
  clientId?: string;
  cause?: "unknown" | "mistyped" | "wrong_secret" | "disabled" | "expired";
}

const noHash = "00".repeat(32);

/** Looks up the service token and compares its secrets. @param now milliseconds since the epoch */
export function checkServiceToken(
  credentials: ServiceCredentials,
  catalog: Catalog,
  now: number,
): ServiceTokenCheck {
  if (!credentials.ok) return credentials;
  const { clientId, secret } = credentials;

  // 1. A secret of ours that was mistyped is told by its checksum, before anything is looked up.
  if (isMistyped(secret)) return { ok: false, fault: "bad_service_token", cause: "mistyped" };

  // 2. An unknown id costs the same work as a wrong secret, and so does a token that has one secret
  //    (case T14).
  const serviceToken = catalog.serviceTokenByClientId.get(clientId);
  const { current, previous } = hashesOf(serviceToken, now);
  const hash = createHash("sha256").update(secret).digest();
  const isCurrent = isSame(hash, current);
  const isPrevious = isSame(hash, previous);

  // 3. The token is not switched off, and its time not over.
  if (serviceToken === undefined)
    return { ok: false, fault: "bad_service_token", cause: "unknown" };
  const failed = { ok: false, fault: "bad_service_token", clientId } as const;
  if (!isCurrent && !isPrevious) return { ...failed, cause: "wrong_secret" };
  if (!serviceToken.enabled) return { ...failed, cause: "disabled" };
  if (isOver(serviceToken.expires_at, now)) return { ...failed, cause: "expired" };
  return { ok: true, serviceToken, secretHash: isCurrent ? current : previous };
}

/**
 * Until when a secret of a service token holds, milliseconds since the epoch.
 * @param secretHash SHA-256, hex
 * @returns undefined when it is none of its secrets, or the token is switched off
 */
export function secretExpiry(serviceToken: ServiceToken, secretHash: string): number | undefined {
  const { enabled, expires_at = Number.POSITIVE_INFINITY } = serviceToken;
  if (!enabled) return undefined;
  if (secretHash === serviceToken.client_secret_hash) return expires_at;
  if (secretHash !== serviceToken.previous_client_secret_hash) return undefined;
  return Math.min(expires_at, serviceToken.previous_client_secret_expires_at ?? 0);
}

/** The hashes that a secret may have; of what is not there, one that no secret has. */
function hashesOf(
  serviceToken: ServiceToken | undefined,
  now: number,
): { current: string; previous: string } {
  if (serviceToken === undefined) return { current: noHash, previous: noHash };
  const { client_secret_hash: current, previous_client_secret_hash: previous } = serviceToken;
  const isGraceOver = isOver(serviceToken.previous_client_secret_expires_at ?? 0, now);
  if (previous === undefined || isGraceOver) return { current, previous: noHash };
  return { current, previous };
}

function isSame(hash: Buffer, expected: string): boolean {
  const bytes = Buffer.from(expected, "hex");
  return bytes.length === hash.length && timingSafeEqual(hash, bytes);
}

function isOver(end: number | undefined, now: number): boolean {
  return end !== undefined && end <= now;
}
