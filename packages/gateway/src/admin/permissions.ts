// What an admin token may do. An area is what Cloudflare gives a permission of its own; in each one
// may read, or read and write.

/** area → what Cloudflare calls the permission */
const areas = {
  apps: "Access: Apps and Policies",
  organizations: "Access: Organizations, Identity Providers, and Groups",
  service_tokens: "Access: Service Tokens",
  revoke: "Access: Organizations Revoke",
  population: "Access: Population",
  audit_logs: "Access: Audit Logs",
  lists: "Zero Trust: Lists",
  metrics: "[ext] Metrics",
} as const;

export type Area = keyof typeof areas;

/** `apps:read`; who may write may read as well. */
export type Permission = `${Area}:read` | `${Area}:write`;

/** Every permission there is. */
export const allPermissions: readonly Permission[] = (Object.keys(areas) as Area[]).flatMap(
  (area): Permission[] => [`${area}:read`, `${area}:write`],
);

/** Whether a text is one of them. */
export function isPermission(text: string): text is Permission {
  return (allPermissions as readonly string[]).includes(text);
}

/** Whether whoever has `granted` may do what `needed` is for. */
export function permits(granted: readonly string[], needed: Permission): boolean {
  if (granted.includes(needed)) return true;
  const [area] = needed.split(":");
  return needed.endsWith(":read") && granted.includes(`${area}:write`);
}
