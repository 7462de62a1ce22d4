import type { Command } from "../command.ts";
import { commonFlags, machineFlagsWithAliases, signInFlags } from "../flags.ts";

/** `access git` */
export const git: Command = {
  name: "git",
  summary: "let git reach a forge behind the gateway",
  usage: ["setup [URL ...]", "setup --remove [URL ...]"],
  description:
    "Tells git to ask a port of this machine in the place of the forge, where the credential is added; git starts what listens there when it needs it. Clone, fetch, push and LFS work as always, and the forge's own passwords stay its own. Without a URL, shows what is set up.",
  flags: [
    { name: "remove", description: "take the setup away again, of these forges or of all" },
    ...signInFlags,
    ...machineFlagsWithAliases,
    ...commonFlags,
  ],
  example: "postern access git setup https://git.example.com",
  run: async (invocation) => (await import("./run-git.ts")).runGit(invocation),
};
