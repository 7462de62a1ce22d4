import type { Command } from "../command.ts";
import { networkFlags, noLoginFlag, serviceTokenFlags, signInFlags } from "../flags.ts";

/** `access curl`. curl has no option of these names, so they may stand among its own. */
export const curl: Command = {
  name: "curl",
  operand: "ARGS",
  summary: "curl with the token",
  usage: ["[--allow-request] CURL-ARGUMENTS"],
  description:
    "Runs curl; each URL gets the token of its own application and of no other. Flags of ours may stand anywhere.",
  flags: [
    {
      name: "allow-request",
      short: "ar",
      description: "go on without a token where there is none",
    },
    {
      name: "token-in",
      value: "PLACE",
      description: "cookie, header or query",
      default: "cookie",
    },
    noLoginFlag,
    ...serviceTokenFlags,
    ...signInFlags,
    ...networkFlags,
  ],
  example: "postern access curl -d @order.json https://api.example.com/v1",
  toolArguments: "mixed",
  run: async (invocation) => (await import("./run-curl.ts")).runCurl(invocation),
};
