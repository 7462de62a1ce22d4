// OpenID Connect: discovery by the issuer, or the three addresses that the Cloudflare API knows.
import { z } from "zod";
import { defined } from "../../defined.ts";
import { duration, someText, someTexts, webUrl } from "../values.ts";
import { defineProvider } from "./provider.ts";

/** How a client proves at the token address who it is (OpenID Connect Core 9). */
const clientAuthMethods = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "none",
] as const;

/** One of `clientAuthMethods`. */
export type ClientAuthMethod = (typeof clientAuthMethods)[number];

/** A private key as a PEM block; whether it is a good one shows when it is used. */
const pemKey = someText.refine(
  (source) => /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(source),
  {
    message:
      "is not a private key in PEM without a password; write the whole block, from BEGIN to END",
  },
);

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
  token_endpoint_auth_method: z.enum(clientAuthMethods).optional(),
  private_key: pemKey.optional(),
  private_key_id: someText.optional(),
  require_email_verified: z.boolean().optional(),
  timeout: duration({ from: "100ms", to: "1m" }).optional(),
});

const config = fields
  .superRefine((values, context) => {
    const fault = addressFault(values) ?? clientFault(values);
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

/** The way in which the client proves who it is has what it needs. */
function clientFault(
  values: z.infer<typeof fields>,
): { path: string[]; message: string } | undefined {
  const { token_endpoint_auth_method: method, client_secret, private_key } = values;
  if (method === undefined) return undefined;
  const path = ["token_endpoint_auth_method"];
  if (method === "private_key_jwt" && private_key === undefined)
    return { path, message: "needs a private_key; add it, or write another method" };
  if (method.startsWith("client_secret_") && client_secret === undefined)
    return { path, message: "needs a client_secret; add it, or write another method" };
  if (method === "none" && values.pkce_enabled === false)
    return {
      path,
      message: "needs PKCE, since nothing else proves the client; remove pkce_enabled",
    };
  return undefined;
}

/** Any provider that speaks OpenID Connect. */
export const oidc = defineProvider({
  type: "oidc",
  config,
  secrets: ["client_secret", "private_key"],
  mailsPins: false,
});
