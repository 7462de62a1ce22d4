// What is known of a gateway as a whole, however many processes it has: whether it is well, and
// when what it hands out ends.
import type { ServiceToken } from "../../model/model.ts";
import type { HealthCheck } from "../observation.ts";
import { currentFamily, type FamilySnapshot } from "./registry.ts";

/** Tokens that are shown: of more, those that end first. */
const mostTokens = 200;

/** Whether each step of the real path works. */
export function healthFamily(checks: readonly HealthCheck[]): FamilySnapshot {
  return currentFamily(
    "gauge",
    {
      name: "postern_healthy",
      help: "Whether a step of the path that requests take works: 1, or 0. As /health/ready.",
      labels: ["check"],
    },
    checks.map(({ name, ok }) => ({ labels: [name], value: ok ? 1 : 0 })),
  );
}

/** Each token that is in use and ends, by its name. */
export function serviceTokenFamily(tokens: Iterable<ServiceToken>): FamilySnapshot {
  const ending = [...tokens]
    .flatMap(({ name, enabled, expires_at }) =>
      enabled && expires_at !== undefined ? [{ name, expires_at }] : [],
    )
    .sort((one, other) => one.expires_at - other.expires_at)
    .slice(0, mostTokens);
  return currentFamily(
    "gauge",
    {
      name: "postern_service_token_expiry_timestamp_seconds",
      help: "When service tokens end, of those that are enabled and end at all: the first 200.",
      labels: ["service_token"],
    },
    ending.map(({ name, expires_at }) => ({ labels: [name], value: expires_at / 1_000 })),
  );
}
