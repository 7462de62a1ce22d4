// From the claims of an OpenID Provider to an identity. What a provider does not vouch for does not
// count.
import type { OidcConfig } from "../../model/model.ts";
import { canonicalEmail } from "./canonical-email.ts";
import type { SignInResult } from "./provider.ts";

// Bounds what a provider can put into the store; far more than any organization has.
const groupLimit = 2_000;
const methodLimit = 32;
const nameLength = 256;

/** @param claims of a verified ID token, completed by the userinfo endpoint where there is one */
export function identityFromClaims(
  config: OidcConfig,
  claims: Record<string, unknown>,
): SignInResult {
  const address = claims[config.email_claim_name ?? "email"];
  if (typeof address !== "string" || address === "")
    return refuse("email_missing", "the provider stated no e-mail address");
  // An address that was never proven may be anybody's (case L10). Silence on the matter is common
  // and accepted.
  if (claims["email_verified"] === false || claims["email_verified"] === "false")
    return refuse("email_unverified", "email_verified is false");
  const email = canonicalEmail(address);
  if (email === undefined)
    return refuse("email_unusable", "the e-mail address is not a plain ASCII one with one @");
  const name = claims["name"];
  return {
    ok: true,
    identity: {
      email,
      name: typeof name === "string" ? name.slice(0, nameLength) : "",
      groups: stringsIn(groupsClaim(claims)).slice(0, groupLimit),
      oidc_fields: pick(claims, config.claims ?? []),
      amr: stringsIn(claims["amr"]).slice(0, methodLimit),
    },
  };
}

/** Whether the ID token alone leaves something out that the configuration asks for. */
export function isIncomplete(config: OidcConfig, claims: Record<string, unknown>): boolean {
  const names = [config.email_claim_name ?? "email", "name", ...(config.claims ?? [])];
  const hasAll = names.every((name) => Object.hasOwn(claims, name));
  return !hasAll || groupsClaim(claims) === undefined;
}

function refuse(
  fault: "email_missing" | "email_unverified" | "email_unusable",
  detail: string,
): SignInResult {
  return { ok: false, fault, detail };
}

/** A claim named `groups`, in any case, holds the groups (access-features 6). */
function groupsClaim(claims: Record<string, unknown>): unknown {
  const name = Object.keys(claims).find((key) => key.toLowerCase() === "groups");
  return name === undefined ? undefined : claims[name];
}

function pick(claims: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const ownNames = names.filter((name) => Object.hasOwn(claims, name));
  return Object.fromEntries(ownNames.map((name) => [name, claims[name]]));
}

/** One string is a list of one; empty strings are nobody's group (case L11). */
function stringsIn(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === "string" && item !== "");
}
