import type { Command } from "../command.ts";
import { helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";
import { accountFlags, accountUsage, fileFlag } from "./configuration-as-code.ts";

/** `diff` */
export const diff: Command = {
  name: "diff",
  operand: "FILE",
  summary: "say what a file would change, or who gains and who loses access by it",
  usage: [...accountUsage("FILE [--prune] "), "--access [--from FILE] --config FILE"],
  description:
    "Says what apply would change; status 0: nothing, 1: something, 2: it cannot be found out. With --access it compares whom a configuration lets in with whom the one in force does, or another file: for each application who gains, who loses or nobody, with an example of each. It is worked out for everybody who could ask; where that is too much, it says that it is not decided.",
  flags: [
    fileFlag,
    { name: "prune", description: "say what apply --prune would delete, too" },
    ...accountFlags,
    { name: "access", description: "compare who may use which application" },
    {
      name: "from",
      value: "FILE",
      description: "compare with this file, and not what is in force",
    },
    { name: "json", description: "print JSON" },
    helpFlag,
  ],
  example: "postern diff --access --from postern.yaml --config new.yaml",
  run: administration,
};
