// `postern admin-token` as it is typed: what its flags say, and what is said of tokens. A token
// goes to standard output, alone; what is said to a person does not.
import { parseDuration } from "@postern/protocol";
import {
  type CommandCall,
  configIn,
  isOn,
  type Output,
  onlyArgument,
  refuseArguments,
  valueIn,
  valuesIn,
} from "../../command-call.ts";
import { defined } from "../../defined.ts";
import { UsageError } from "../../usage-error.ts";
import type { AdminToken } from "./admin-tokens.ts";
import type { TokenWish } from "./token-commands.ts";

/** What makes, lists and ends tokens in the store that a file names. */
export interface TokenStore {
  create(
    wish: { config: string } & TokenWish,
  ): Promise<{ secret: string; token: AdminToken; accountId: string }>;
  list(options: { config: string }): Promise<AdminToken[]>;
  revoke(options: { config: string; token: string }): Promise<AdminToken>;
}

/** `admin-token create NAME` */
export async function createTokenByCall(
  call: CommandCall,
  { tell, print }: Output,
  tokens: TokenStore,
): Promise<void> {
  const name = onlyArgument(call, "a name");
  const permissions = valuesIn(call, "permission")
    .flatMap((value) => value.split(","))
    .filter((each) => each !== "");
  if (permissions.length === 0)
    throw new UsageError(
      "admin-token create needs --permission: all, or a list such as apps:write,organizations:read",
    );
  const wish = {
    ...{ config: configIn(call), name, permissions },
    applications: valuesIn(call, "application"),
    ...defined({ lifetimeMs: readLifetime(valueIn(call, "expires-in")) }),
  };
  const { secret, token, accountId } = await tokens.create(wish);
  tell(`Token ID:    ${token.id}`);
  tell(`Account ID:  ${accountId}`);
  tell(`Expires:     ${expiryOf(token)}`);
  print(`${secret}\n`);
}

/** `admin-token list` */
export async function listTokensByCall(
  call: CommandCall,
  { print }: Output,
  tokens: TokenStore,
): Promise<void> {
  refuseArguments(call.args, call);
  const all = await tokens.list({ config: configIn(call) });
  if (isOn(call, "json")) print(`${printable(JSON.stringify(all))}\n`);
  else print(table(all.map(row)));
}

/** `admin-token revoke TOKEN` */
export async function revokeTokenByCall(
  call: CommandCall,
  { print }: Output,
  tokens: TokenStore,
): Promise<void> {
  const token = onlyArgument(call, "a token");
  const { id, name } = await tokens.revoke({ config: configIn(call), token });
  print(`${printable(`Revoked ${name} (${id})`)}\n`);
}

function row(token: AdminToken): string[] {
  const { id, name, permissions, applications } = token;
  const where = applications === null ? "all applications" : applications.join(",");
  return [id, name, permissions.join(","), where, expiryOf(token)].map(printable);
}

/** Columns of equal width, two spaces apart. */
function table(rows: readonly string[][]): string {
  const widthOf = (column: number) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_cell, column) => widthOf(column));
  return rows
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function expiryOf({ expires_at }: AdminToken): string {
  return expires_at === null ? "never" : new Date(expires_at).toISOString();
}

function readLifetime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const lifetime = lengthOf(text);
  if (lifetime > 0) return Math.round(lifetime);
  throw new UsageError(`--expires-in ${text.slice(0, 40)} is no time; write it like 720h`);
}

/** Milliseconds; 0 where it is no time. */
function lengthOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return 0;
  }
}

/** Names are shown so that no terminal obeys them (case C15). */
function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
