import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

/** `replay` */
export const replay: Command = {
  name: "replay",
  summary: "ask a changed configuration about what was recorded",
  usage: ["[--since TIME] [--policies FILE] --config FILE"],
  description:
    "Reads recorded sign-ins, and requests where log.requests is decisions, and says which answers would be another. Where a record does not have what an answer depends on, it is unknown.",
  flags: [
    configFlag,
    { name: "policies", value: "FILE", description: "whose policies to ask; default: --config" },
    { name: "since", value: "TIME", description: "how far back, at most 30d", default: "30d" },
    { name: "json", description: "print JSON" },
    helpFlag,
  ],
  example: "postern replay --policies new.yaml --config postern.yaml",
  run: administration,
};
