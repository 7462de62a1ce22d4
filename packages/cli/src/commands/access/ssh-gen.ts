import type { Command } from "../command.ts";
import { commonFlags, noLoginFlag, refusedMachineFlags, signInFlags } from "../flags.ts";
import { hostnameFlag } from "./stream-flags.ts";

/** `access ssh-gen` */
export const sshGen: Command = {
  name: "ssh-gen",
  summary: "fetch a short-lived SSH certificate",
  usage: ["--hostname HOST"],
  description:
    "Fetches a certificate for the account of your name, valid for minutes, beside a key that is made for it, and prints where the key is. One that lasts is kept. Signs in first if necessary.",
  flags: [hostnameFlag, noLoginFlag, ...signInFlags, ...commonFlags, ...refusedMachineFlags],
  example: "postern access ssh-gen --hostname box.example.com",
  run: async (invocation) => (await import("./run-ssh-gen.ts")).runSshGen(invocation),
};
