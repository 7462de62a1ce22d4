import type { Command } from "../command.ts";
import { commonFlags } from "../flags.ts";

/** `access logout` */
export const logout: Command = {
  name: "logout",
  summary: "sign out",
  usage: ["[URL | --all]"],
  description: "Ends the terminal's session at the gateway and deletes the stored tokens.",
  flags: [
    { name: "all", description: "sign out of every team domain" },
    { name: "app", value: "URL", description: "the same as URL", hidden: true },
    ...commonFlags,
  ],
  example: "postern access logout https://api.example.com",
  run: async (invocation) => (await import("./run-logout.ts")).runLogout(invocation),
};
