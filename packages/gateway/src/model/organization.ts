// The one organization: its name, how long its sessions last, how its pages look. The team domain
// is not part of it: where people sign in goes with the addresses that are listened on.
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind } from "./kind.ts";
import { checkLoginDesign, loginDesign } from "./login-design.ts";
import { reportBelow } from "./problem.ts";
import { alwaysOn, notYet, objectName, sessionDuration, withoutEffect } from "./values.ts";
import { storedWithoutEffect, warnWithoutEffect, withoutEffectIn } from "./without-effect.ts";

/** What becomes of service tokens that no policy names and nobody uses (access-features 14). */
const inactivity = z.strictObject({
  enabled: z.boolean(),
  inactivity_threshold_days: z.int().min(30).max(365),
  action: z.enum(["disable", "delete"]),
});

export type ServiceTokenInactivity = z.infer<typeof inactivity>;

const optionalFields = {
  /** Go duration; undefined follows the application, else 24h */
  session_duration: sessionDuration.optional(),
  login_design: loginDesign.optional(),
  /** [ext] refuse terminals that show no code (wire-protocol 7) */
  require_login_code: z.boolean().optional(),
  service_token_inactivity: inactivity.optional(),
};

/** What stands on the pages of an installation that nobody has named. */
export const defaultName = "Postern";

/** Nobody chooses its id. */
export const organizationId = "organization";

const fields = z.strictObject({
  name: objectName.default(defaultName),
  ...optionalFields,
  deny_unmatched_requests: alwaysOn,
  strict_service_token_auth: alwaysOn,
  auto_redirect_to_identity: notYet,
  mfa_config: notYet,
  mfa_required_for_all_apps: notYet,
  is_ui_read_only: withoutEffect,
  ui_read_only_toggle_reason: withoutEffect,
  user_seat_expiration_inactive_time: withoutEffect,
  allow_authenticate_via_warp: withoutEffect,
  warp_auth_session_duration: withoutEffect,
});

const stored = z
  .strictObject({
    id: z.literal(organizationId),
    name: objectName,
    ...optionalFields,
    ...storedWithoutEffect,
  })
  .transform(defined);

/** The organization as it is stored. */
export type ConfiguredOrganization = z.infer<typeof stored>;

/** The organization in force. */
export interface Organization extends Omit<ConfiguredOrganization, "id"> {
  auth_domain: string;
}

/** Everything that makes an organization valid. */
export const organization = defineKind({
  name: "organization",
  noun: "organization",
  section: "organization",
  naming: "one",
  schema: fields,
  fields,
  stored,
  check(input, _world, report) {
    const { login_design } = input;
    if (login_design !== undefined)
      checkLoginDesign(login_design, reportBelow(report, ["login_design"]));
    warnWithoutEffect(fields, input, report);
  },
  toObject(input) {
    const { name, session_duration, login_design, require_login_code } = input;
    const { service_token_inactivity } = input;
    const without_effect = withoutEffectIn(fields, input);
    const id: typeof organizationId = organizationId;
    return defined({
      id,
      name,
      session_duration,
      login_design,
      require_login_code,
      service_token_inactivity,
      without_effect,
    });
  },
});
