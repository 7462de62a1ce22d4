// The email address of a person, from the documents in which a provider speaks of them. An address
// that was never proven may be anybody's (case L10).
import { claimAt } from "../../model/claim-path.ts";
import type { OidcConfig } from "../../model/model.ts";
import { canonicalEmail } from "./canonical-email.ts";
import type { SignInFailure } from "./provider.ts";
import { failure } from "./provider-failure.ts";

/** The claims of one document: an ID token, or the answer of the userinfo endpoint. */
export type Claims = Record<string, unknown>;

/**
 * The canonical address, if the provider does not deny that it is the person's.
 * @param documents the ID token first: it is signed, and wins where several speak
 */
export function emailOf(
  config: OidcConfig,
  documents: readonly Claims[],
): { ok: true; address: string } | SignInFailure {
  // 1. The address is that of the first document that has one.
  const name = config.email_claim_name ?? "email";
  const addressIn = (document: Claims) => claimAt(document, name);
  const source = documents.find((document) => isText(addressIn(document)));
  if (source === undefined)
    return failure("email_missing", `the provider sent no email address (claim ${name})`);
  const text = String(addressIn(source));

  // 2. No document denies it. One that has another address speaks of that.
  const speaking = documents.filter((document) => {
    const other = addressIn(document);
    return !isText(other) || isSame(other, text);
  });
  const denial = speaking.find((document) => hasFlag(document) && !isVerified(document));
  if (denial !== undefined)
    return failure("email_unverified", "email_verified is present but not true", {
      claim: "email_verified",
      expected: "true",
      received: String(JSON.stringify(denial["email_verified"])).slice(0, 100),
    });

  // 3. Silence is common and accepted, unless the configuration wants a word. A flag vouches for
  // the address beside it alone.
  const isVouched = speaking.some(
    (document) => isVerified(document) && isSame(document["email"], text),
  );
  if (config.require_email_verified === true && !isVouched)
    return failure(
      "email_unverified",
      "email_verified is missing for this address, but require_email_verified requires it",
    );

  const address = canonicalEmail(text);
  if (address === undefined)
    return failure("email_unusable", "the email address is not plain ASCII with a single @");
  return { ok: true, address };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isSame(one: unknown, other: string): boolean {
  return isText(one) && one.toLowerCase() === other.toLowerCase();
}

function hasFlag(document: Claims): boolean {
  return Object.hasOwn(document, "email_verified");
}

/** `"true"` is how AWS Cognito and Apple write it; anything else is not true. */
function isVerified(document: Claims): boolean {
  const { email_verified: flag } = document;
  return flag === true || flag === "true";
}
