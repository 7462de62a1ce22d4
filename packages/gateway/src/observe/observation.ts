// How a gateway fares, as whoever watches it asks.
import type { FamilySnapshot } from "./metrics/registry.ts";

/** What can be asked of a gateway, however many processes it has. */
export interface Observation {
  /** what all processes counted */
  families(): Promise<FamilySnapshot[]>;
  /** the real path, step by step */
  health(): Promise<HealthCheck[]>;
}

/** One step of the real path. */
export interface HealthCheck {
  name: string;
  ok: boolean;
  /** why not; for whoever runs the gateway */
  detail?: string;
}
