import { z } from "zod";
import { someText } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

/** Holds for people who signed in with one identity provider. */
export const loginMethod = defineRule({
  name: "login_method",
  schema: z.strictObject({ id: someText }),
  about: "people",
  example: { id: "corp" },
  mainField: "id",
  refersTo: { kind: "identity_provider", id: "id", name: "name" },
  compile: ({ id }) => ofPerson(({ idp }) => idp.id === id),
  atom: ({ id }) => ({ of: "provider", id }),
  admitsWorld({ id }, { mailsPins }) {
    if (!mailsPins(id)) return undefined;
    return "lets in every email address in the world: a PIN is mailed to any of them; name addresses or domains, unless that is meant";
  },
});
