// OpenID Connect: discovery by the issuer, or the three addresses that the Cloudflare API knows.
import { z } from "zod";
import { defined } from "../../defined.ts";
import { someText, someTexts, webUrl } from "../values.ts";
import { defineProvider } from "./provider.ts";

const fields = z.strictObject({
  client_id: someText,
  client_secret: someText.optional(),
  issuer: webUrl.optional(),
  auth_url: webUrl.optional(),
  token_url: webUrl.optional(),
  certs_url: webUrl.optional(),
  scopes: someTexts.optional(),
  /** claims kept in the identity and put into the token's `custom` */
  claims: someTexts.optional(),
  email_claim_name: someText.optional(),
  pkce_enabled: z.boolean().optional(),
});

const config = fields
  .superRefine((values, context) => {
    const fault = addressFault(values);
    if (fault !== undefined) context.addIssue({ code: "custom", ...fault });
  })
  .transform(defined);

/** What `config` of an `oidc` provider holds. */
export type OidcConfig = z.infer<typeof config>;

const addresses = ["auth_url", "token_url", "certs_url"] as const;

/** One of the two ways says where to send people, and not both. */
function addressFault(
  values: z.infer<typeof fields>,
): { path: string[]; message: string } | undefined {
  const present = addresses.filter((address) => values[address] !== undefined);
  const absent = addresses.filter((address) => values[address] === undefined);
  if (values.issuer !== undefined) {
    if (present.length === 0) return undefined;
    return {
      path: ["issuer"],
      message: `cannot stand beside ${present.join(", ")}; remove the issuer, or the addresses`,
    };
  }
  if (absent.length === 0) return undefined;
  const missing = present.length > 0 ? absent : [`issuer, or all of ${addresses.join(", ")}`];
  return {
    path: [],
    message: `does not say where the provider is; add ${missing.join(", ")}`,
  };
}

/** Any provider that speaks OpenID Connect. */
export const oidc = defineProvider({
  type: "oidc",
  config,
  secrets: ["client_secret"],
  mailsPins: false,
});
