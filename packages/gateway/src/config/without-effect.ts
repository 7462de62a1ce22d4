// What was written for Cloudflare, is taken, and means nothing here: the fields of `withoutEffect`
// in shapes.ts.
import type { FieldPath } from "./document.ts";
import type { Report } from "./report.ts";

const fields = {
  groups: ["is_default"],
  policies: ["purpose_justification_prompt"],
  applications: [
    "app_launcher_visible",
    "logo_url",
    "tags",
    "eager_redirect_cookie_setting",
    "service_auth_401_redirect",
    "allow_iframe",
  ],
} as const;

export function warnWithoutEffect(
  section: keyof typeof fields,
  written: object,
  path: FieldPath,
  report: Report,
): void {
  for (const field of fields[section]) {
    if (isUsed((written as Record<string, unknown>)[field]))
      report.warning([...path, field], "has no effect in this gateway");
  }
}

function isUsed(value: unknown): boolean {
  return (
    value !== undefined &&
    value !== false &&
    value !== "" &&
    !(Array.isArray(value) && value.length === 0)
  );
}
