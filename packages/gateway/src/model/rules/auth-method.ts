import { z } from "zod";
import { someText } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

/** How somebody signed in, as the provider states it in `amr` (RFC 8176): whole values only. */
export const authMethod = defineRule({
  name: "auth_method",
  schema: z.strictObject({ auth_method: someText }),
  about: "people",
  example: { auth_method: "mfa" },
  mainField: "auth_method",
  compile: ({ auth_method }) => ofPerson(({ amr }) => amr.includes(auth_method)),
  atom: ({ auth_method }) => ({ of: "amr", value: auth_method }),
});
