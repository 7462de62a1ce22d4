// `init`: the flags and the terminal are read here, and the gateway's own package does the rest.
import { isTerminal } from "../../terminal.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";
import { ownCommand } from "./own-command.ts";
import { Prompt } from "./prompt.ts";
import { refuseArguments } from "./run-gateway.ts";

/** @returns the exit status */
export async function runInitCommand(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  refuseArguments(line.rest, command.name);
  const flags = Object.fromEntries(command.flags.map(({ name }) => [name, line.value(name)]));
  // Both: what is typed is read from the one, and questions are shown on the other.
  const isInteractive = isTerminal(0) && isTerminal(2);
  const prompt = new Prompt();
  try {
    return await withGateway(surroundings, ({ runInit }) =>
      runInit({
        output: line.value("output") ?? "postern.yaml",
        flags,
        prompt: isInteractive ? (text, options) => prompt.ask(text, options) : undefined,
        tell: (text) => surroundings.tell(text),
        offline: line.has("offline"),
        command: ownCommand(surroundings.environment, process.argv[1] ?? ""),
      }),
    );
  } finally {
    prompt.close();
  }
}
