import type { Command } from "../command.ts";
import { commonFlagsWithJson } from "../flags.ts";

/** `access list` */
export const list: Command = {
  name: "list",
  summary: "list stored sessions",
  usage: ["[--json]"],
  description: "Lists stored sessions: application, person, expiry and where the token is stored.",
  flags: commonFlagsWithJson("print JSON, errors included"),
  example: "postern access list",
  run: async (invocation) => (await import("./run-list.ts")).runList(invocation),
};
