import { z } from "zod";
import { someText } from "../values.ts";
import { defineRule, yes } from "./rule.ts";

/** Holds for the program with one service token. */
export const serviceToken = defineRule({
  name: "service_token",
  schema: z.strictObject({ token_id: someText }),
  about: "programs",
  example: { token_id: "deploy" },
  mainField: "token_id",
  refersTo: { kind: "service_token", id: "token_id", name: "name" },
  compile:
    ({ token_id }) =>
    ({ principal }) =>
      yes(principal.kind === "service" && principal.tokenId === token_id),
  atom: ({ token_id }) => ({ of: "service_token", id: token_id }),
});
