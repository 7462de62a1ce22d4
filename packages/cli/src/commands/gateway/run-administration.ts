// Commands of administrators need nothing of this program but the reading of their flags: the
// gateway's own package does the rest, and says how it ended.
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";

/** @returns the exit status */
export function runAdministration(invocation: Invocation): Promise<number> {
  const { command, path, args, surroundings } = invocation;
  const { flags, example } = command;
  const line = readCommandLine(args, flags);
  const given = flags.map(({ name }) => [name, line.all(name)]);
  const call = { command: path, args: line.rest, flags: Object.fromEntries(given), example };
  return withGateway(
    surroundings,
    ({ administer }) => administer(call, { tell: surroundings.tell, print: writeOutput }),
    { errorsAreJson: line.has("json") },
  );
}
