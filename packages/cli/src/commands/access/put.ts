import type { Command } from "../command.ts";
import { commonFlags, machineFlagsWithAliases, noLoginFlag, signInFlags } from "../flags.ts";

/** `access put` */
export const put: Command = {
  name: "put",
  operand: "TOOL ARGS",
  summary: "run any tool, its URLs opened on the way",
  usage: ["[FLAGS] [--] TOOL ARGUMENTS"],
  description:
    'Runs any tool. An argument that is a URL of a protected application, or has one after "=", leads to a proxy of this process for the time of the run, which adds the token: the tool holds no credential.',
  flags: [
    {
      name: "via",
      value: "WAY",
      description:
        "proxy (the default on Linux); query: a pass in the URL, valid for ten minutes (the default elsewhere); env: ACCESS_TOKEN and ACCESS_HEADER in the tool's environment, and the URLs stay as they are",
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
    ...machineFlagsWithAliases,
  ],
  example: "postern access put wget -qO- https://api.example.com/a.csv",
  toolArguments: "last",
  run: async (invocation) => (await import("./run-put.ts")).runPut(invocation),
};
