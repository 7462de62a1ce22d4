import { z } from "zod";
import { emailAddress } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

/** Holds for one address, in any case. */
export const email = defineRule({
  name: "email",
  schema: z.strictObject({ email: emailAddress }),
  about: "people",
  example: { email: "ada@example.com" },
  mainField: "email",
  compile: ({ email }) => ofPerson((identity) => identity.email.toLowerCase() === email),
  atom: ({ email }) => ({ of: "email", oneOf: [email] }),
});
