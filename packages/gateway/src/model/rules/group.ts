import { z } from "zod";
import { someText } from "../values.ts";
import { defineRule } from "./rule.ts";

/** Holds for whom the rules of a group hold. */
export const group = defineRule({
  name: "group",
  schema: z.strictObject({ id: someText }),
  about: "anything",
  example: { id: "engineering" },
  mainField: "id",
  refersTo: { kind: "group", id: "id", name: "name" },
  compile: ({ id }, lookup) => lookup.group(id),
  atom: ({ id }) => ({ of: "group", id }),
  admitsWorld: ({ id }, lookup) => lookup.group(id),
});
