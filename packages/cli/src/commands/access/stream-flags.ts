// What the commands of streams and of ssh take alike.
import type { Flag } from "../../flag.ts";

/** The variables by which the official client names what flags of the same meaning do. */
export const streamVariables = {
  hostname: "TUNNEL_SERVICE_HOSTNAME",
  destination: "TUNNEL_SERVICE_DESTINATION",
  url: "TUNNEL_SERVICE_URL",
} as const;

/** Which application. */
export const hostnameFlag: Flag = {
  name: "hostname",
  short: "T",
  aliases: ["tunnel-host", "app"],
  value: "HOST",
  description: `the application (or ${streamVariables.hostname})`,
};
