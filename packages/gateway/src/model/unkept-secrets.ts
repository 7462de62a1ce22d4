// Secrets in what is kept for others to read: fields that have no effect here, and applications of
// types that mean nothing here. Nothing needs them, and whoever may read an application or the
// audit log would read them, too: they are not kept.
import type { FieldPath, Report } from "./problem.ts";
import { isMap } from "./read-value.ts";

/** Fields that hold secrets at Cloudflare: of SCIM, of SaaS applications, of MCP servers. */
const secretName =
  /^(?:client_secret|secret|password|passphrase|token|(?:api|access|refresh|bearer)_token|auth_credentials|private_key)$/i;

/** The value without them. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([name, field]) => !isSecret(name, field));
  return Object.fromEntries(kept.map(([name, field]) => [name, withoutSecrets(field)]));
}

/** Warns of each. */
export function warnOfSecrets(value: unknown, report: Report, at: FieldPath = []): void {
  if (typeof value !== "object" || value === null) return;
  const isList = Array.isArray(value);
  for (const [name, field] of Object.entries(value)) {
    const place = [...at, isList ? Number(name) : name];
    if (!isList && isSecret(name, field))
      report.warning(place, "is a secret that nothing here needs; it is not kept");
    else warnOfSecrets(field, report, place);
  }
}

function isSecret(name: string, value: unknown): boolean {
  return typeof value === "string" && secretName.test(name);
}
