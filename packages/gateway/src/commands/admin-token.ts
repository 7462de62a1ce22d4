// `admin-token create`, `list` and `revoke`. The token goes to standard output, alone; what is said
// to a person does not.
import { parseDuration } from "@postern/protocol";
import { printable, printableJson } from "@postern/protocol/printable";
import { table } from "@postern/protocol/table";
import { untilText } from "@postern/protocol/time-text";
import type { AdminToken } from "../admin/tokens/admin-tokens.ts";
import * as tokens from "../admin/tokens/token-commands.ts";
import {
  configIn,
  isOn,
  onlyArgument,
  refuseArguments,
  valueIn,
  valuesIn,
} from "../command-call.ts";
import { UsageError } from "../usage-error.ts";
import type { Command, World } from "./command.ts";
import { type StoreInUse, withStore } from "./store-in-use.ts";

/** `admin-token create NAME` */
export const createToken: Command = async (call, world) => {
  const name = onlyArgument(call, "a name");
  const permissions = listIn(valuesIn(call, "permission"));
  if (permissions.length === 0)
    throw new UsageError(
      "admin-token create needs --permission: all, or a list such as apps:write,organizations:read",
    );
  const config = configIn(call, "admin-token create NAME");
  const lifetimeMs = readLifetime(valueIn(call, "expires-in"));
  const wish = { name, permissions, applications: valuesIn(call, "application"), lifetimeMs };
  const { secret, token, accountId } = await withStore(config, world, (parts) =>
    tokens.createToken(wish, partsOf(parts, world)),
  );
  world.tell(`Token ID:    ${token.id}`);
  world.tell(`Account ID:  ${accountId}`);
  world.tell(`Expires:     ${expiryOf(token, world.now())}`);
  world.print(`${secret}\n`);
};

/** `admin-token list`, in the order in which they were made */
export const listTokens: Command = async (call, world) => {
  refuseArguments(call.args, "admin-token list");
  const config = configIn(call);
  const stored = await withStore(config, world, ({ store }) => store.adminTokens.all());
  const shown = stored.map(({ hash: _, ...token }) => token);
  const rows = shown.map((token) => rowOf(token, world.now()));
  world.print(isOn(call, "json") ? `${printableJson(shown)}\n` : table(rows));
};

/** `admin-token revoke TOKEN` */
export const revokeToken: Command = async (call, world) => {
  const wanted = onlyArgument(call, "a token");
  const config = configIn(call, "admin-token revoke TOKEN");
  const { id, name } = await withStore(config, world, (parts) =>
    tokens.revokeToken(wanted, partsOf(parts, world)),
  );
  world.print(`${printable(`Revoked ${name} (${id})`)}\n`);
};

function partsOf({ store, catalogs }: StoreInUse, { randomBytes, now }: World) {
  return { store, catalog: catalogs.current(), randomBytes, now };
}

function rowOf(token: AdminToken, now: number): string[] {
  const { id, name, permissions, applications } = token;
  const where = applications === null ? "all applications" : applications.join(",");
  return [id, name, permissions.join(","), where, expiryOf(token, now)].map(printable);
}

function expiryOf({ expires_at }: AdminToken, now: number): string {
  return expires_at === null ? "never" : untilText(expires_at, now);
}

/** Every item of flags that take lists. */
function listIn(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).filter((item) => item !== "");
}

/** Milliseconds. @throws {UsageError} */
function readLifetime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const lifetime = parseDuration(text);
    if (lifetime > 0) return Math.round(lifetime);
  } catch {
    // Then it is no time either.
  }
  throw new UsageError(`--expires-in ${text.slice(0, 40)} is no time; write it like 720h`);
}
