import { z } from "zod";
import { defineRule } from "./rule.ts";

/** Holds for whoever asks; what that means is for the policy's decision to say. */
export const everyone = defineRule({
  name: "everyone",
  schema: z.strictObject({}),
  about: "anything",
  example: {},
  compile: () => () => "yes",
  atom: () => ({ of: "everyone" }),
  admitsWorld: () =>
    "lets in everybody who can sign in; name addresses, domains or groups, unless that is meant",
});
