// Metrics and health, beside the API. A program on this machine asks without a token; elsewhere
// metrics want one, and health says no more than whether.
import { isLoopbackHost } from "@postern/protocol";
import type { ListenAddress } from "../../config/values.ts";
import { defined } from "../../defined.ts";
import { prometheusText, prometheusType } from "../../observe/metrics/prometheus-text.ts";
import type { HealthCheck, Observation } from "../../observe/observation.ts";
import type { AdminParts } from "../admin-parts.ts";
import type { PlainAnswer, PlainRoute } from "../plain-route.ts";

/** `/metrics`, `/health/live` and `/health/ready`. */
export function observationRoutes({ observation, config }: AdminParts): PlainRoute[] {
  const isOwn = isOwnMachine(config.admin?.listen);
  return [
    {
      path: "/metrics",
      ...defined({ permission: isOwn ? undefined : ("metrics:read" as const) }),
      handle: () => metrics(observation),
    },
    { path: "/health/live", handle: () => answer(200, { status: "live" }) },
    { path: "/health/ready", handle: () => ready(observation, isOwn) },
  ];
}

function isOwnMachine(listen: ListenAddress | undefined): boolean {
  if (listen === undefined || listen.kind === "unix") return true;
  return isLoopbackHost(listen.host);
}

async function metrics(observation: Observation): Promise<PlainAnswer> {
  const body = prometheusText(await observation.families());
  return { status: 200, type: prometheusType, body };
}

async function ready(observation: Observation, isOwn: boolean): Promise<PlainAnswer> {
  const checks = await observation.health();
  const isReady = checks.every(({ ok }) => ok);
  const shown = isOwn ? checks : checks.map(({ name, ok }): HealthCheck => ({ name, ok }));
  const status = isReady ? "ready" : "not_ready";
  return answer(isReady ? 200 : 503, { status, checks: shown });
}

function answer(status: number, body: object): PlainAnswer {
  return { status, type: "application/json", body: `${JSON.stringify(body)}\n` };
}
