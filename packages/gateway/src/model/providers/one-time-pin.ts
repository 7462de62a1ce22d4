import { z } from "zod";
import { defineProvider } from "./provider.ts";

const complaint = "unknown field; the one-time PIN needs no config, remove it";

/** A code by mail to whatever address somebody types. */
export const oneTimePin = defineProvider({
  type: "onetimepin",
  config: z.strictObject(
    {},
    { error: ({ code }) => (code === "unrecognized_keys" ? complaint : undefined) },
  ),
  secrets: [],
  mailsPins: true,
});
