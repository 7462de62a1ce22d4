import type { Command } from "../command.ts";
import { helpFlag } from "../flags.ts";

/** `dev` */
export const dev: Command = {
  name: "dev",
  summary: "run a gateway on this machine, without configuration",
  usage: [
    "[--port 8600] [--data DIR | --ephemeral] [--upstream [name=]URL ...] [--allow [name=]WHO ...]",
  ],
  description:
    "Runs a complete gateway on this machine, with a sample application. One-time PINs are shown in this terminal.",
  flags: [
    // The gateway's package knows the default.
    { name: "port", value: "N", description: "default 8600" },
    {
      name: "data",
      value: "DIR",
      description: "where to keep its data (default: below POSTERN_HOME)",
    },
    { name: "ephemeral", description: "keep no data after it stops" },
    {
      name: "upstream",
      value: "[name=]URL",
      description: "protect your application at http://<name>.localhost:<port>",
      repeatable: true,
    },
    {
      name: "allow",
      value: "[name=]WHO",
      description:
        "let in only this email address or @domain; with a name, only to that application",
      repeatable: true,
    },
    helpFlag,
  ],
  example: "postern dev --upstream api=http://127.0.0.1:3000",
  run: async (invocation) => (await import("./run-gateway.ts")).runDevCommand(invocation),
};
