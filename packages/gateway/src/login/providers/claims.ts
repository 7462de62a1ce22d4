// From the claims of an OpenID Provider to an identity. What a provider does not vouch for does not
// count.
import type { OidcConfig } from "../../model/model.ts";
import { canonicalEmail } from "../canonical-email.ts";
import type { SignInResult } from "./identity-provider.ts";

// Bounds what a provider can put into our database; far more than any organization has.
const groupLimit = 2_000;

/** @param claims of a verified ID token, completed by the userinfo endpoint where there is one */
export function identityFromClaims(
  config: OidcConfig,
  claims: Record<string, unknown>,
): SignInResult {
  const stated = claims[config.email_claim_name ?? "email"];
  if (typeof stated !== "string" || stated === "")
    return fault("email_missing", "the provider stated no e-mail address");
  // Case L10. An address that was never proven may be anybody's; silence on the matter is common
  // and accepted.
  if (claims["email_verified"] === false || claims["email_verified"] === "false")
    return fault("email_unverified", "email_verified is false");
  const email = canonicalEmail(stated);
  if (email === undefined)
    return fault("email_unusable", "the e-mail address is not a plain ASCII one with one @");
  const name = claims["name"];
  return {
    ok: true,
    identity: {
      email,
      name: typeof name === "string" ? name.slice(0, 256) : "",
      groups: strings(claimNamed(claims, "groups")).slice(0, groupLimit),
      oidc_fields: Object.fromEntries(
        (config.claims ?? [])
          .filter((key) => Object.hasOwn(claims, key))
          .map((key) => [key, claims[key]]),
      ),
      amr: strings(claims["amr"]).slice(0, 32),
    },
  };
}

/** Whether the ID token alone leaves something out that the configuration asks for. */
export function isIncomplete(config: OidcConfig, claims: Record<string, unknown>): boolean {
  const wanted = [config.email_claim_name ?? "email", "name", ...(config.claims ?? [])];
  return (
    wanted.some((key) => !Object.hasOwn(claims, key)) || claimNamed(claims, "groups") === undefined
  );
}

function fault(
  name: "email_missing" | "email_unverified" | "email_unusable",
  detail: string,
): SignInResult {
  return { ok: false, fault: name, detail };
}

// access-features 6: a claim named `groups`, in any case, holds the groups.
function claimNamed(claims: Record<string, unknown>, name: string): unknown {
  return claims[Object.keys(claims).find((key) => key.toLowerCase() === name) ?? name];
}

/** One string is a list of one; empty strings are nobody's group (case L11). */
function strings(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === "string" && item !== "");
}
