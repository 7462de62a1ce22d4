import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";

/** `gateway` */
export const gateway: Command = {
  name: "gateway",
  summary: "run a gateway with a configuration",
  usage: ["--config FILE", "--check FILE"],
  description:
    "Runs until it is told to stop. With --check, only says what is wrong with a configuration: nothing is opened, created or contacted.",
  flags: [
    configFlag,
    {
      name: "check",
      value: "FILE",
      description: "check a configuration and exit; - is standard input",
    },
    helpFlag,
  ],
  example: "postern gateway --config postern.yaml",
  run: async (invocation) => (await import("./run-gateway.ts")).runGatewayCommand(invocation),
};
