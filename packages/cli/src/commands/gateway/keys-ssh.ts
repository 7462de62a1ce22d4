import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

/** `keys ssh` */
export const ssh: Command = {
  name: "ssh",
  summary: "print the key of an application that sshd must trust",
  usage: ["--application NAME [--replace] --config FILE"],
  description:
    "Prints the public key that signs the SSH certificates of an application, as a line for TrustedUserCAKeys of sshd, and makes it if there is none.",
  flags: [
    {
      name: "application",
      value: "NAME",
      description: "the application, by name, ID or domain",
    },
    { name: "replace", description: "make another key, which signs from now on" },
    configFlag,
    helpFlag,
  ],
  example: "postern keys ssh --application builds --config postern.yaml",
  run: administration,
};
