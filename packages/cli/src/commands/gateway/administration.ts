import type { Command } from "../command.ts";

/** What runs a command of administrators: the gateway's own package. */
export const administration: Command["run"] = async (invocation) =>
  (await import("./run-administration.ts")).runAdministration(invocation);
