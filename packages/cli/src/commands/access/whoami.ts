import type { Command } from "../command.ts";
import {
  commonFlagsWithJson,
  machineFlagsWithAliases,
  noLoginFlag,
  signInFlags,
} from "../flags.ts";

/** `access whoami` */
export const whoami: Command = {
  name: "whoami",
  operand: "URL",
  summary: "show who you are to the gateway",
  usage: ["URL [--json]"],
  description: "Shows your identity as the gateway sees it.",
  flags: [
    { name: "app", value: "URL", description: "the same as URL", hidden: true },
    noLoginFlag,
    ...machineFlagsWithAliases,
    ...signInFlags,
    ...commonFlagsWithJson("print the whole identity as JSON, errors included"),
  ],
  example: "postern access whoami https://api.example.com",
  run: async (invocation) => (await import("./run-whoami.ts")).runWhoami(invocation),
};
