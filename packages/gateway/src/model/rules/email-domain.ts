import { z } from "zod";
import { emailDomain as domainName } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

/**
 * Holds for addresses of exactly this domain, in any case: not of its end, and not below it (case
 * L10).
 */
export const emailDomain = defineRule({
  name: "email_domain",
  schema: z.strictObject({ domain: domainName }),
  about: "people",
  example: { domain: "example.com" },
  mainField: "domain",
  compile: ({ domain }) => ofPerson(({ email }) => domainOf(email) === domain),
  atom: ({ domain }) => ({ of: "email_domain", domain }),
});

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1).toLowerCase();
}
