// `mfa_config` (access-features 8): a second factor that Access itself asks for. This gateway has
// none to ask for. What is configured is kept; a policy that demands one lets nobody in, since
// letting people in without it would open a door that was meant to be shut.
import { z } from "zod";
import type { Report } from "./problem.ts";
import { isEmptyList } from "./values.ts";

const longest = 10_000;

/** As it was written, for an application or a policy. */
export const mfaConfig = z.preprocess(
  (value) => (value === false || isEmptyList(value) ? undefined : value),
  z
    .record(z.string(), z.unknown())
    .refine((value) => JSON.stringify(value).length <= longest, {
      message: "has more than can be kept",
    })
    .optional(),
);

/** What may have one. */
export interface Configured {
  mfa_config?: Record<string, unknown> | undefined;
}

/** Whether a second factor is demanded. */
export function demandsFactor({ mfa_config = {} }: Configured): boolean {
  return Object.keys(mfa_config).length > 0 && mfa_config["mfa_disabled"] !== true;
}

/** Warns that nobody gets in by it. */
export function checkMfaConfig(configured: Configured, report: Report): void {
  if (demandsFactor(configured))
    report.warning(
      ["mfa_config"],
      "demands a second factor, which this gateway cannot ask for: no allow policy under it lets anybody in",
    );
}
