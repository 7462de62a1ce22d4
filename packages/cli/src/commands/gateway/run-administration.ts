// Commands of administrators that need nothing of this program but the reading of their flags: the
// gateway's own package does the rest, and says how it ended.
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";

/**
 * @param name with the command's group
 * @returns the exit status
 */
export function runAdministration(invocation: Invocation, name?: string): Promise<number> {
  const { command, args, surroundings } = invocation;
  const { flags, example } = command;
  const line = readCommandLine(args, flags);
  const given = flags.map(({ name: flag, value }) => {
    return [flag, value === undefined ? line.has(flag) : line.all(flag)] as const;
  });
  const call = {
    ...{ command: name ?? command.name, args: line.rest, example },
    flags: Object.fromEntries(given),
  };
  return withGateway(surroundings, ({ administer }) =>
    administer(call, {
      tell: (text) => surroundings.tell(`postern: ${text}`),
      print: writeOutput,
    }),
  );
}
