import type { Command } from "../command.ts";
import { commonFlags, noLoginFlag, refusedMachineFlags, signInFlags } from "../flags.ts";

/** `access put` */
export const put: Command = {
  name: "put",
  operand: "TOOL ARGS",
  summary: "run any tool with passes in its URLs",
  usage: ["[FLAGS] [--] TOOL ARGUMENTS"],
  description:
    'Runs any tool. An argument that is a URL of a protected application, or has one after "=", gets a pass: a credential for that URL, valid for ten minutes.',
  flags: [
    {
      name: "via",
      value: "WAY",
      choices: ["query", "env"],
      description:
        "query: a pass in the URL; env: ACCESS_TOKEN and ACCESS_HEADER in the tool's environment, and the URLs stay as they are",
      default: "query",
    },
    {
      name: "app",
      value: "URL",
      description: "with --via env: the application, if no argument names it",
    },
    {
      name: "full-token",
      description: "put the token itself into the URL if the gateway does not issue passes",
    },
    noLoginFlag,
    ...signInFlags,
    ...commonFlags,
    ...refusedMachineFlags,
  ],
  example: "postern access put wget -qO- https://api.example.com/a.csv",
  toolArguments: "last",
  run: async (invocation) => (await import("./run-put.ts")).runPut(invocation),
};
