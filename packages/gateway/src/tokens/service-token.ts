// Whether the credentials of a program are those of a service token that holds (access-features
// 14). Where they stand in a request is for whoever reads the request.
import { createHash, timingSafeEqual } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import type { ServiceToken } from "../model/model.ts";

/** Why the credentials of a program do not count. */
export type ServiceTokenFault = "half_service_token" | "two_service_tokens" | "bad_service_token";

/** What stands in the headers of a program, not checked yet. */
export type ServiceCredentials =
  | { ok: true; clientId: string; secret: string }
  | { ok: false; fault: ServiceTokenFault };

/** Which service token the credentials are, if they hold. */
export type ServiceTokenCheck =
  | { ok: true; serviceToken: ServiceToken }
  | { ok: false; fault: ServiceTokenFault };

const noHash = Buffer.alloc(32);

/** Looks up the service token and compares its secret. @param now milliseconds since the epoch */
export function checkServiceToken(
  credentials: ServiceCredentials,
  catalog: Catalog,
  now: number,
): ServiceTokenCheck {
  if (!credentials.ok) return credentials;
  const serviceToken = catalog.serviceTokenByClientId.get(credentials.clientId);
  // An unknown id costs the same work as a wrong secret (case T14).
  const expectedHash =
    serviceToken === undefined ? noHash : Buffer.from(serviceToken.client_secret_hash, "hex");
  const hash = createHash("sha256").update(credentials.secret).digest();
  const isSecret = expectedHash.length === hash.length && timingSafeEqual(hash, expectedHash);
  if (serviceToken === undefined || !isSecret || !isUsable(serviceToken, now))
    return { ok: false, fault: "bad_service_token" };
  return { ok: true, serviceToken };
}

function isUsable({ enabled, expires_at }: ServiceToken, now: number): boolean {
  return enabled && (expires_at === undefined || expires_at > now);
}
