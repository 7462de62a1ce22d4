import { z } from "zod";
import { claimAt, coversClaim, isGroupsClaim, isPlain } from "../claim-path.ts";
import type { Identity } from "../identity.ts";
import { someText } from "../values.ts";
import { defineRule, judgePerson, type Match } from "./rule.ts";

/**
 * Holds for people of whom one provider stated a claim with this value: whole values only. What the
 * provider left out cannot be judged.
 */
export const oidc = defineRule({
  name: "oidc",
  schema: z.strictObject({
    claim_name: someText,
    claim_value: someText,
    identity_provider_id: someText,
  }),
  about: "people",
  example: { identity_provider: "corp", claim_name: "groups", claim_value: "engineering" },
  refersTo: { kind: "identity_provider", id: "identity_provider_id", name: "identity_provider" },
  compile: ({ claim_name, claim_value, identity_provider_id }) =>
    judgePerson((identity) => {
      if (identity.idp.id !== identity_provider_id) return "no";
      return judge(identity, claim_name, claim_value);
    }),
  atom: ({ claim_name, claim_value, identity_provider_id }) => ({
    of: "claim",
    provider: identity_provider_id,
    name: claim_name,
    value: claim_value,
  }),
  check({ claim_name, identity_provider_id }, { claimsOf }, report) {
    const claims = claimsOf(identity_provider_id);
    if (claims === undefined || isGroupsClaim(claim_name)) return;
    if (coversClaim(claims, claim_name)) return;
    report.warning(
      ["claim_name"],
      "never holds, and counts as an exclude: the claims of this identity provider do not list it, so it is not kept; add it to config.claims there",
    );
  },
});

function judge(identity: Identity, name: string, value: string): Match {
  const { values, isComplete } = claimValues(identity, name);
  if (values.includes(value)) return "yes";
  return isComplete ? "no" : "unknown";
}

/**
 * The values of a claim as texts, and whether there can be no others: a provider may have left the
 * claim out, or say it as a map, which no rule can compare.
 */
export function claimValues(
  identity: Identity,
  name: string,
): { values: string[]; isComplete: boolean } {
  const all = valuesOf(claimOf(identity, name));
  const values = all.filter(isPlain).map(String);
  if (values.length < all.length) return { values, isComplete: false };
  const { known_claims } = identity;
  const isComplete = known_claims === undefined || coversClaim(known_claims, canonicalName(name));
  return { values, isComplete };
}

function claimOf(identity: Identity, name: string): unknown {
  const claim = claimAt(identity.oidc_fields, name);
  if (claim !== undefined) return claim;
  return isGroupsClaim(name) ? identity.groups : undefined;
}

function canonicalName(name: string): string {
  return isGroupsClaim(name) ? "groups" : name;
}

/** A claim with several values holds when one of them does; each counts as a whole. */
function valuesOf(claim: unknown): unknown[] {
  const values: unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.filter((value) => value !== undefined && value !== null);
}
