import type { Command } from "../command.ts";
import { commonFlagsWithJson } from "../flags.ts";

/** `access list` */
export const list: Command = {
  name: "list",
  summary: "stored sessions",
  usage: ["[--json]"],
  description: "Lists stored sessions: application, person, expiry, where stored.",
  flags: commonFlagsWithJson("as JSON, errors too"),
  example: "postern access list",
  run: async (invocation) => (await import("./run-list.ts")).runList(invocation),
};
