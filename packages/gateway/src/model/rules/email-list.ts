import { z } from "zod";
import { someText } from "../values.ts";
import { checkListType } from "./list-type.ts";
import { defineRule, ofPerson } from "./rule.ts";

/** Holds for the addresses of a list, in any case. */
export const emailList = defineRule({
  name: "email_list",
  schema: z.strictObject({ id: someText }),
  about: "people",
  example: { id: "contractors" },
  mainField: "id",
  refersTo: { kind: "list", id: "id", name: "name" },
  compile({ id }, lookup) {
    const list = lookup.list(id);
    // A list that is gone denies; it never skips the rule.
    if (list?.type !== "EMAIL") return () => "unknown";
    return ofPerson(({ email }) => list.hasEmail(email.toLowerCase()));
  },
  atom({ id }, lists) {
    const list = lists(id);
    if (list?.type !== "EMAIL") return { of: "unjudged", kind: "email_list" };
    return { of: "email", oneOf: list.values };
  },
  check: ({ id }, lookup, report) => checkListType(id, "EMAIL", lookup, report),
});
