// Commands of administrators that need nothing of this program but the reading of their flags: the
// gateway's own package does the rest, and says how it ended.
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";

/** @returns the exit status */
export function runAdministration({ command, args, surroundings }: Invocation): Promise<number> {
  const { name, flags, example } = command;
  const line = readCommandLine(args, flags);
  const given = flags.map((flag) => [flag.name, line.value(flag.name) ?? line.has(flag.name)]);
  const call = { command: name, args: line.rest, flags: Object.fromEntries(given), example };
  return withGateway(surroundings, ({ administer }) =>
    administer(call, {
      tell: (text) => surroundings.tell(`postern: ${text}`),
      print: writeOutput,
    }),
  );
}
