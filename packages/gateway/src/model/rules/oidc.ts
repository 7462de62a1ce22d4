import { z } from "zod";
import type { Identity } from "../identity.ts";
import { someText } from "../values.ts";
import { defineRule, ofPerson } from "./rule.ts";

/** Holds for people of whom one provider stated a claim with this value: whole values only. */
export const oidc = defineRule({
  name: "oidc",
  schema: z.strictObject({
    claim_name: someText,
    claim_value: someText,
    identity_provider_id: someText,
  }),
  about: "people",
  refersTo: { kind: "identity_provider", id: "identity_provider_id", name: "identity_provider" },
  compile: ({ claim_name, claim_value, identity_provider_id }) =>
    ofPerson((identity) => {
      if (identity.idp.id !== identity_provider_id) return false;
      return valuesOf(claimOf(identity, claim_name)).includes(claim_value);
    }),
});

/** Own properties only: `constructor` is no claim of anybody's. */
function claimOf(identity: Identity, name: string): unknown {
  if (Object.hasOwn(identity.oidc_fields, name)) return identity.oidc_fields[name];
  return name.toLowerCase() === "groups" ? identity.groups : undefined;
}

/** A claim with several values holds when one of them does; each counts as a whole. */
function valuesOf(claim: unknown): string[] {
  const values: unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.filter(isPlain).map(String);
}

function isPlain(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}
