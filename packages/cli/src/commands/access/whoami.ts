import type { Command } from "../command.ts";
import {
  commonFlagsWithJson,
  noLoginFlag,
  serviceTokenFlagsWithAliases,
  signInFlags,
} from "../flags.ts";

/** `access whoami` */
export const whoami: Command = {
  name: "whoami",
  operand: "URL",
  summary: "who the gateway takes you for",
  usage: ["URL [--json]"],
  description: "Shows who the gateway takes you for.",
  flags: [
    { name: "app", value: "URL", description: "the same as URL", hidden: true },
    noLoginFlag,
    ...serviceTokenFlagsWithAliases,
    ...signInFlags,
    ...commonFlagsWithJson("everything that it says, as JSON; errors too"),
  ],
  example: "postern access whoami https://api.example.com",
  run: async (invocation) => (await import("./run-whoami.ts")).runWhoami(invocation),
};
