import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";

/** `gateway` */
export const gateway: Command = {
  name: "gateway",
  summary: "serve a configuration",
  usage: ["--config FILE"],
  description: "Serves until it is told to stop.",
  flags: [configFlag, helpFlag],
  example: "postern gateway --config postern.yaml",
  run: async (invocation) => (await import("./run-gateway.ts")).runGatewayCommand(invocation),
};
