import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";

/** `diff` */
export const diff: Command = {
  name: "diff",
  summary: "say who gains and who loses access by a change of the configuration",
  usage: ["--access [--from FILE] --config FILE"],
  description:
    "Compares whom a configuration lets in with whom the one in force does, or another file: for each application who gains, who loses or nobody, with an example of each. It is worked out for everybody who could ask; where that is too much, it says that it is not decided.",
  flags: [
    configFlag,
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
  run: async (invocation) => (await import("./run-decisions.ts")).runDiff(invocation),
};
