import type { Command } from "../command.ts";
import { commonFlagsWithJson } from "../flags.ts";

/** `access list` */
export const list: Command = {
  name: "list",
  summary: "list stored sessions",
  usage: ["[--check] [--verbose] [--json]", "--grants [--json]"],
  description:
    "Lists stored sessions by team domain: person, applications, expiry, and where tokens are stored. Never a token.",
  flags: [
    { name: "check", description: "ask the gateway which of them it still takes" },
    { name: "grants", description: "ask the gateways what you have lent, and list that instead" },
    { name: "verbose", short: "v", description: "show pattern, AUD and file as well" },
    ...commonFlagsWithJson("print JSON, errors included"),
  ],
  example: "postern access list",
  run: async (invocation) => (await import("./run-list.ts")).runList(invocation),
};
