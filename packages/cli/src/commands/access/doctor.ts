import type { Command } from "../command.ts";
import { commonFlagsWithJson, machineFlagsWithAliases } from "../flags.ts";

/** `access doctor` */
export const doctor: Command = {
  name: "doctor",
  summary: "check what a sign-in and a request need, and say what to mend",
  usage: ["[URL] [--json]"],
  description:
    "Checks this machine and, with a URL, the way to its application: name, certificate, clock, gateway, session, and which credential would be used. Each check is one line: ok, warn or fail. It signs nobody in and shows no secret.",
  flags: [
    { name: "app", value: "URL", description: "the same as URL", hidden: true },
    ...machineFlagsWithAliases,
    ...commonFlagsWithJson("print the checks as JSON, errors included"),
  ],
  example: "postern access doctor https://api.example.com",
  run: async (invocation) => (await import("../doctor/run-doctor.ts")).runDoctor(invocation),
};
