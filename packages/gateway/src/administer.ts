// The commands of administrators, as they were typed: which one it is, and how it ends.
import {
  createTokenByCall,
  listTokensByCall,
  revokeTokenByCall,
  type TokenStore,
} from "./admin/tokens/token-lines.ts";
import {
  type CommandCall,
  configIn,
  isOn,
  type Output,
  refuseArguments,
  valueIn,
} from "./command-call.ts";
import type { ConfigurationCommands } from "./configuration-commands.ts";
import type { DecisionCommands } from "./decision-commands.ts";
import { defined } from "./defined.ts";
import { UsageError } from "./usage-error.ts";

/** What the commands are made of. */
export interface Administration {
  configuration: ConfigurationCommands;
  decisions: Pick<DecisionCommands, "diffAccess" | "replayAccess">;
  tokens: TokenStore;
}

/** Runs a command. @returns the exit status; what is no number is 0 */
type Run = (call: CommandCall, output: Output, parts: Administration) => Promise<unknown>;

const commands = new Map<string, Run>([
  ["export", (call, output, { configuration }) => configuration.export(call, output)],
  ["apply", (call, output, { configuration }) => configuration.apply(call, output)],
  ["diff", diff],
  ["replay", replay],
  ["admin-token create", (call, output, { tokens }) => createTokenByCall(call, output, tokens)],
  ["admin-token list", (call, output, { tokens }) => listTokensByCall(call, output, tokens)],
  ["admin-token revoke", (call, output, { tokens }) => revokeTokenByCall(call, output, tokens)],
]);

/**
 * Runs a command as it was typed.
 * @returns the exit status
 * @throws {UsageError} when it cannot be meant so
 */
export async function administer(
  call: CommandCall,
  output: Output,
  parts: Administration,
): Promise<number> {
  const run = commands.get(call.command);
  if (run === undefined) throw new UsageError(`${call.command} is no command of this gateway`);
  const status = await run(call, output, parts);
  return typeof status === "number" ? status : 0;
}

async function diff(
  call: CommandCall,
  output: Output,
  { configuration, decisions }: Administration,
): Promise<number> {
  if (!isOn(call, "access")) return configuration.diff(call, output);
  refuseArguments(call.args, call);
  const config = configIn(call);
  const from = valueIn(call, "from");
  output.print(
    await decisions.diffAccess({ config, ...defined({ from }), isJson: isOn(call, "json") }),
  );
  return 0;
}

async function replay(
  call: CommandCall,
  { print }: Output,
  { decisions }: Administration,
): Promise<void> {
  refuseArguments(call.args, call);
  const config = configIn(call);
  const policies = valueIn(call, "policies") ?? config;
  const since = valueIn(call, "since") ?? "30d";
  print(await decisions.replayAccess({ config, policies, since, isJson: isOn(call, "json") }));
}
