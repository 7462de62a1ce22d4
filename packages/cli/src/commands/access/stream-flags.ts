import type { Flag } from "../../flag.ts";
import { streamVariables } from "./stream-variables.ts";

/** Which application. */
export const hostnameFlag: Flag = {
  name: "hostname",
  short: "T",
  aliases: ["tunnel-host", "app"],
  value: "HOST",
  description: `the application (or ${streamVariables.hostname})`,
};
