import type { Command } from "../command.ts";
import { commonFlags } from "../flags.ts";

/** `access logout` */
export const logout: Command = {
  name: "logout",
  summary: "sign out",
  usage: ["[URL | --all]", "--grant ID [URL]"],
  description:
    "Ends the terminal's session at the gateway and deletes the stored tokens. With --grant it ends that grant and no session.",
  flags: [
    { name: "all", description: "sign out of every team domain" },
    { name: "grant", value: "ID", description: "end one grant, as access list --grants names it" },
    { name: "app", value: "URL", description: "the same as URL", hidden: true },
    ...commonFlags,
  ],
  example: "postern access logout https://api.example.com",
  run: async (invocation) => (await import("./run-logout.ts")).runLogout(invocation),
};
