import { z } from "zod";
import { contains, parseAddress, parseNetwork } from "../../network.ts";
import { networkText } from "../values.ts";
import { defineRule, yes } from "./rule.ts";

/** Holds for clients of one network or address. */
export const ip = defineRule({
  name: "ip",
  schema: z.strictObject({ ip: networkText }),
  about: "request",
  example: { ip: "192.0.2.0/24" },
  mainField: "ip",
  compile(value) {
    const reading = parseNetwork(value.ip);
    return (subject) => {
      const address = parseAddress(subject.ip);
      // An address or a network that cannot be read denies; it never skips the rule (case H5).
      if (!reading.ok || address === undefined) return "unknown";
      return yes(contains(reading.network, address));
    };
  },
  atom: ({ ip }) => ({ of: "address", networks: [ip] }),
});
