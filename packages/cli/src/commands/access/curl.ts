import type { Command } from "../command.ts";
import { machineFlags, networkFlags, noLoginFlag, signInFlags } from "../flags.ts";

/** `access curl`. curl has no option of these names, so they may stand among its own. */
export const curl: Command = {
  name: "curl",
  operand: "ARGS",
  summary: "run curl with the token",
  usage: ["[--allow-request] CURL-ARGUMENTS"],
  description:
    "Runs curl. Each URL gets the token of its own application and of no other. The flags below may stand anywhere among curl's.",
  flags: [
    {
      name: "allow-request",
      short: "ar",
      description: "send the request even if there is no token",
    },
    {
      name: "token-in",
      value: "PLACE",
      choices: ["cookie", "header", "query"],
      description: "how the token is sent: cookie, header or query",
      default: "cookie",
    },
    noLoginFlag,
    ...machineFlags,
    ...signInFlags,
    ...networkFlags,
  ],
  example: "postern access curl -d @order.json https://api.example.com/v1",
  toolArguments: "mixed",
  run: async (invocation) => (await import("./run-curl.ts")).runCurl(invocation),
};
