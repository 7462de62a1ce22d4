import type { Command } from "../command.ts";
import { commonFlags, noLoginFlag, refusedServiceTokenFlags, signInFlags } from "../flags.ts";

/** `access put` */
export const put: Command = {
  name: "put",
  operand: "TOOL ARGS",
  summary: "any tool with the token in its URLs",
  usage: ["[FLAGS] [--] TOOL ARGUMENTS"],
  description:
    'Runs any tool. Arguments that are URLs of a protected application, or contain one after "=", get a pass: a credential for that URL and ten minutes.',
  flags: [
    {
      name: "via",
      value: "WAY",
      description:
        "query, a pass in the URL, or env, ACCESS_TOKEN and ACCESS_HEADER in the tool's environment; the URLs stay as they are",
      default: "query",
    },
    {
      name: "app",
      value: "URL",
      description: "with --via env: the application, where no argument names it",
    },
    {
      name: "full-token",
      description: "put the token itself in the URL where the gateway has no passes",
    },
    noLoginFlag,
    ...signInFlags,
    ...commonFlags,
    ...refusedServiceTokenFlags,
  ],
  example: "postern access put wget -qO- https://api.example.com/a.csv",
  toolArguments: "last",
  run: async (invocation) => (await import("./run-put.ts")).runPut(invocation),
};
