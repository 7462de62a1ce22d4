// `postern admin-token create|list|revoke`: on the store itself, beside gateways that run. Whoever
// may read the secret key and the store needs no token to make one.
import type { Catalog } from "../../catalog/catalog.ts";
import { findApplication } from "../../model/find-application.ts";
import type { RandomBytes } from "../../random.ts";
import type { Store } from "../../storage/store.ts";
import { UsageError } from "../../usage-error.ts";
import { auditCommand } from "../command-audit.ts";
import { allPermissions, isPermission, type Permission } from "../permissions.ts";
import { type AdminToken, createAdminToken } from "./admin-tokens.ts";

interface CommandParts {
  store: Store;
  catalog: Catalog;
  randomBytes: RandomBytes;
  now(): number;
}

/** What a token is to be, as it was typed. */
export interface TokenWish {
  name: string;
  /** `apps:write`, or `all` */
  permissions: readonly string[];
  /** names, ids or domains; none: for all there is */
  applications: readonly string[];
  /** milliseconds; absent never expires */
  lifetimeMs?: number | undefined;
}

/**
 * Makes a token.
 * @returns it, which nobody can ask for again, and the account that it is for
 * @throws {UsageError} when a permission or an application is none
 */
export async function createToken(
  wish: TokenWish,
  parts: CommandParts,
): Promise<{ secret: string; token: AdminToken; accountId: string }> {
  const { store, randomBytes, now } = parts;
  const permissions = readPermissions(wish.permissions);
  const { applications } = parts.catalog;
  const ids = wish.applications.map((name) => findApplication(applications, name).id);
  const { secret, token } = await createAdminToken(
    {
      name: wish.name,
      permissions,
      applications: ids.length === 0 ? undefined : ids,
      expiresAt: wish.lifetimeMs && now() + wish.lifetimeMs,
    },
    parts,
  );
  await note("created", token, parts);
  const accountId = await store.settings.get("account_id", randomBytes(16).toString("hex"));
  return { secret, token, accountId };
}

/**
 * Ends a token.
 * @param name its id, or its name where no other has it
 * @throws {UsageError} when no token, or more than one, is called so
 */
export async function revokeToken(name: string, parts: CommandParts): Promise<AdminToken> {
  const tokens = await parts.store.adminTokens.all();
  const byId = tokens.find(({ id }) => id === name);
  const named = byId === undefined ? tokens.filter((each) => each.name === name) : [byId];
  const [token, ...others] = named;
  if (token === undefined) throw new UsageError(`there is no admin token ${JSON.stringify(name)}`);
  if (others.length > 0)
    throw new UsageError(`${named.length} admin tokens have this name; give the id of one`);
  await parts.store.adminTokens.remove(token.id);
  const { hash: _, ...shown } = token;
  await note("deleted", shown, parts);
  return shown;
}

function readPermissions(names: readonly string[]): Permission[] {
  if (names.includes("all")) return allPermissions.filter((name) => name.endsWith(":write"));
  return names.map((name) => {
    if (isPermission(name)) return name;
    throw new UsageError(
      `${JSON.stringify(name)} is no permission; those are all, ${allPermissions.join(", ")}`,
    );
  });
}

function note(
  action: "created" | "deleted",
  token: AdminToken,
  parts: CommandParts,
): Promise<void> {
  const { id, name } = token;
  const states = action === "created" ? { after: token } : { before: token };
  const change = { action, kind: "admin_token", id, name, ...states };
  return auditCommand("postern admin-token", change, parts);
}
