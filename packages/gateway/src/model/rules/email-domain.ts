import { z } from "zod";
import { emailDomain as domainName } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

export const emailDomain = defineRule({
  name: "email_domain",
  schema: z.strictObject({ domain: domainName }),
  about: "people",
  // The whole domain, not its end (case L10).
  compile: ({ domain }) => ofPerson(({ email }) => domainOf(email) === domain),
});

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1).toLowerCase();
}
