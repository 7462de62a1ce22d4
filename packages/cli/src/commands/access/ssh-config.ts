import type { Command } from "../command.ts";
import { commonFlags } from "../flags.ts";
import { hostnameFlag } from "./stream-flags.ts";

/** `access ssh-config` */
export const sshConfig: Command = {
  name: "ssh-config",
  summary: "print the block for ~/.ssh/config",
  usage: ["--hostname HOST [--short-lived-cert]"],
  description:
    "Prints what ~/.ssh/config needs so that a plain ssh reaches the machine through the gateway.",
  flags: [
    hostnameFlag,
    {
      name: "short-lived-cert",
      description: "log in by a certificate that access ssh-gen fetches before each login",
    },
    ...commonFlags,
  ],
  example: "postern access ssh-config --hostname box.example.com",
  run: async (invocation) => (await import("./run-ssh-config.ts")).runSshConfig(invocation),
};
