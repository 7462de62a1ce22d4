// What administrators type at the command line, but for what serves: one table, from the words of
// a command to what it does. A command loads what it needs, and no gateway.
import { randomBytes } from "node:crypto";
import type { CommandCall, Output } from "./command-call.ts";
import type { Command } from "./commands/command.ts";
import { UsageError } from "./usage-error.ts";

const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["admin-token create", async () => (await import("./commands/admin-token.ts")).createToken],
  ["admin-token list", async () => (await import("./commands/admin-token.ts")).listTokens],
  ["admin-token revoke", async () => (await import("./commands/admin-token.ts")).revokeToken],
  ["sessions list", async () => (await import("./commands/sessions.ts")).listSessions],
  ["sessions revoke", async () => (await import("./commands/sessions.ts")).revokeSessions],
  ["keys rotate", async () => (await import("./commands/keys.ts")).rotateKeys],
  ["keys ssh", async () => (await import("./commands/keys.ts")).showSshAuthority],
  ["render", async () => (await import("./commands/render.ts")).render],
  ["access explain", async () => (await import("./commands/decisions.ts")).explain],
  ["diff", async () => (await import("./commands/diff.ts")).diff],
  ["replay", async () => (await import("./commands/decisions.ts")).replay],
  ["export", async () => (await import("./commands/configuration.ts")).exportObjects],
  ["import", async () => (await import("./commands/configuration.ts")).importAccount],
  ["apply", async () => (await import("./commands/configuration.ts")).applyFile],
]);

/**
 * Runs a command as it was typed.
 * @param luaFile what HAProxy loads: a file of the package
 * @returns the exit status
 * @throws {UsageError} when it cannot be meant so
 * @throws {ConfigError} when a file is wrong, with one line for each problem
 */
export async function administer(
  call: CommandCall,
  output: Output,
  luaFile: string,
): Promise<number> {
  const load = commands.get(call.command);
  if (load === undefined) throw new UsageError(`${call.command} is no command of this gateway`);
  const run = await load();
  const environment = { ...process.env };
  const world = { ...output, environment, randomBytes, now: Date.now, luaFile };
  const status = await run(call, world);
  return typeof status === "number" ? status : 0;
}
