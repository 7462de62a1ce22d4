import type { Command } from "../command.ts";
import { commonFlagsWithJson, noLoginFlag, refusedMachineFlags, signInFlags } from "../flags.ts";

/** `access grant` */
export const grant: Command = {
  name: "grant",
  operand: "URL",
  summary: "lend a part of your access to a program, on a socket",
  usage: [
    "URL --url PLACE [--method M,...] [--path GLOB] [--count N] [--ttl 30m] [--for LABEL]",
    "URL --print [--method M,...] [--path GLOB] [--count N] [--ttl 10m]",
  ],
  description:
    "Asks you to approve a grant: your access to one application, narrowed to methods, paths, a number of requests and a time. Serves exactly that until it is interrupted; everything else is 403. The grant stays in this process: a program uses it and cannot read it. With --print it prints a pass of the same kind instead, without asking.",
  flags: [
    { name: "method", value: "M,...", description: "methods it covers; all without this flag" },
    {
      name: "path",
      value: "GLOB",
      description: "a path it covers, with what lies below; * is anything; may be repeated",
    },
    { name: "count", value: "N", description: "requests that may reach the application" },
    {
      name: "ttl",
      value: "TIME",
      description: "how long it lasts: up to 8h, default 30m; with --print up to 10m, default 10m",
    },
    { name: "for", value: "LABEL", description: "what it is called on the page and in logs" },
    {
      name: "url",
      value: "PLACE",
      aliases: ["listener", "L"],
      description: "where to serve it: unix:/PATH, or localhost:PORT",
    },
    { name: "print", description: "print a pass for the query argument token, and serve nothing" },
    noLoginFlag,
    ...signInFlags,
    ...commonFlagsWithJson("print events as lines of JSON; errors as JSON, too"),
    ...refusedMachineFlags,
  ],
  example: "postern access grant api.example.com --url unix:/tmp/api.sock",
  run: async (invocation) => (await import("./run-grant.ts")).runGrant(invocation),
};
