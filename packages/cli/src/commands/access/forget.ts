import type { Command } from "../command.ts";
import { commonFlags } from "../flags.ts";

/** `access forget` */
export const forget: Command = {
  name: "forget",
  operand: "HOST",
  summary: "forget the team domain remembered for a host",
  usage: ["HOST"],
  description:
    "Forgets the team domain remembered for a host, so that the host may name another one.",
  flags: commonFlags,
  example: "postern access forget api.example.com",
  run: async (invocation) => (await import("./run-forget.ts")).runForget(invocation),
};
