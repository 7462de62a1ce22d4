import type { Command } from "../command.ts";
import {
  commonFlagsWithJson,
  machineFlagsWithAliases,
  noLoginFlag,
  signInFlags,
} from "../flags.ts";

/** `access http` */
export const http: Command = {
  name: "http",
  operand: "URL",
  summary: "serve an application on this machine, the token added",
  usage: ["URL [--url PLACE]", "--hostname HOST [--url PLACE]"],
  description:
    "Serves the application at a port of this machine or on a Unix socket until it is interrupted, and adds the token to every request. Tools use it without being able to read it.",
  flags: [
    { name: "hostname", value: "HOST", description: "the application, the same as URL" },
    {
      name: "url",
      value: "PLACE",
      aliases: ["listener", "L"],
      description: "where to listen: localhost:PORT, or unix:/PATH; a free port where it is absent",
    },
    noLoginFlag,
    ...machineFlagsWithAliases,
    ...signInFlags,
    ...commonFlagsWithJson("print events as lines of JSON; errors as JSON, too"),
  ],
  example: "postern access http api.example.com --url localhost:8080",
  run: async (invocation) => (await import("./run-http.ts")).runHttp(invocation),
};
