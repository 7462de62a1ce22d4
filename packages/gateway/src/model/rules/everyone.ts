import { z } from "zod";
import { defineRule } from "./rule.ts";

export const everyone = defineRule({
  name: "everyone",
  schema: z.strictObject({}),
  about: "anything",
  compile: () => () => "yes",
  admitsWorld: () =>
    "lets in everybody who can sign in; name addresses, domains or groups, unless that is meant",
});
