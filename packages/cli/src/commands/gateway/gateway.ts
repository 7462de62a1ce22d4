import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";

/** `gateway` */
export const gateway: Command = {
  name: "gateway",
  summary: "serve a configuration",
  usage: ["--config FILE", "--check FILE"],
  description:
    "Serves until it is told to stop. With --check it only says what is wrong with a configuration: nothing is opened, made or asked.",
  flags: [
    configFlag,
    {
      name: "check",
      value: "FILE",
      description: "read a configuration, say what is wrong with it, and end; - is standard input",
    },
    helpFlag,
  ],
  example: "postern gateway --config postern.yaml",
  run: async (invocation) => (await import("./run-gateway.ts")).runGatewayCommand(invocation),
};
