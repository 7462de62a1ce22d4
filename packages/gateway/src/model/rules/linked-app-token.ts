import { z } from "zod";
import { someText } from "../values.ts";
import { defineRule, yes } from "./rule.ts";

/**
 * Holds for the origin of another application that shows, in `cf-access-token`, what it got of a
 * person in `Cf-Access-Jwt-Assertion` (wire-protocol 2).
 */
export const linkedAppToken = defineRule({
  name: "linked_app_token",
  schema: z.strictObject({ app_uid: someText }),
  about: "programs",
  example: { app_uid: "portal" },
  mainField: "app_uid",
  refersTo: { kind: "application", id: "app_uid", name: "name" },
  compile:
    ({ app_uid }) =>
    ({ principal }) =>
      yes(principal.kind === "linked" && principal.application.id === app_uid),
  atom: ({ app_uid }) => ({ of: "linked_app", id: app_uid }),
});
