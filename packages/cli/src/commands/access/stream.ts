// `access tcp`, `ssh`, `rdp` and `smb`: one command under four names, as the official client has
// it.
import type { Flag } from "../../flag.ts";
import type { Command } from "../command.ts";
import {
  commonFlagsWithJson,
  machineFlagsWithAliases,
  noLoginFlag,
  signInFlags,
} from "../flags.ts";
import { hostnameFlag, streamVariables } from "./stream-flags.ts";

const streamFlags: readonly Flag[] = [
  hostnameFlag,
  {
    name: "url",
    short: "L",
    aliases: ["listener"],
    value: "ADDRESS",
    description: `listen on this port of this machine instead of the standard streams, or on a Unix socket: unix:PATH (or ${streamVariables.url})`,
  },
  {
    name: "destination",
    value: "HOST:PORT",
    description: `where a bastion is to connect (or ${streamVariables.destination})`,
  },
  {
    name: "header",
    short: "H",
    value: "LINE",
    description: "send this header line with the dial",
    repeatable: true,
  },
  { name: "logfile", value: "FILE", description: "write what is told to this file as well" },
  { name: "log-directory", value: "DIR", description: "the same, to postern.log in this folder" },
  {
    name: "loglevel",
    aliases: ["log-level"],
    value: "LEVEL",
    description: "tell only this and what is worse: debug, info, warn, error or fatal",
    default: "info",
  },
];

function streamCommand(name: string, summary: string, example: string): Command {
  return {
    name,
    summary,
    usage: ["--hostname HOST [--url ADDRESS]"],
    description:
      "Carries bytes to and from a service behind the gateway: those of the standard streams, or of every connection to a port of this machine. Signs in first if necessary.",
    flags: [
      ...streamFlags,
      noLoginFlag,
      ...machineFlagsWithAliases,
      ...signInFlags,
      ...commonFlagsWithJson("print each event of a listener as a line of JSON, errors too"),
    ],
    example,
    run: async (invocation) => (await import("./run-stream.ts")).runStream(invocation),
  };
}

export const tcp = streamCommand(
  "tcp",
  "connect to a TCP service: a database, a queue, …",
  "postern access tcp --hostname db.example.com --url :15432",
);

export const ssh = streamCommand(
  "ssh",
  "connect to a machine, as the ProxyCommand of ssh",
  "postern access ssh --hostname box.example.com",
);

export const rdp = streamCommand(
  "rdp",
  "connect to a desktop",
  "postern access rdp --hostname desk.example.com --url :13389",
);

export const smb = streamCommand(
  "smb",
  "connect to a file server",
  "postern access smb --hostname files.example.com --url :8445",
);
