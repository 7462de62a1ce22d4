import { z } from "zod";
import { defineRule, yes } from "./rule.ts";

/** Holds for every program that proved a service token. */
export const anyValidServiceToken = defineRule({
  name: "any_valid_service_token",
  schema: z.strictObject({}),
  about: "programs",
  example: {},
  compile:
    () =>
    ({ principal }) =>
      yes(principal.kind === "service"),
  atom: () => ({ of: "any_service_token" }),
});
