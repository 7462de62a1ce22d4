// The shapes of the protected objects in postern.yaml, with the field names of the Cloudflare v4
// API. Only what one field alone can tell is checked here; what needs two of them, or names, is in
// objects.ts.
import { z } from "zod";
import {
  applicationPattern,
  emailAddress,
  emailDomain,
  hostPattern,
  identifier,
  moment,
  network,
  sessionDuration,
  someText,
  timeout,
  webUrl,
} from "./values.ts";

const name = someText.refine((written) => written.length <= 350, {
  message: "is longer than 350 characters",
});
/** accepted so that what was written for Cloudflare loads; says so in a warning when it is used */
const withoutEffect = z.unknown().optional();

/**
 * A setting that would make access stricter and does not exist here yet: silently dropping it would
 * open a door.
 */
const notYet = z
  .unknown()
  .refine(
    (value) =>
      value === undefined || value === false || (Array.isArray(value) && value.length === 0),
    {
      message: "is not supported yet; remove it",
    },
  )
  .optional();

/** Cloudflare offers a choice where this gateway has only the strict way. */
const alwaysOn = z.literal(true, { error: "cannot be switched off here; remove it" }).optional();

/**
 * Items are read one by one, each with the shape that it has to have: one that is wrong hides
 * nothing of the others.
 */
const items = z.array(z.unknown());
const ruleSet = {
  include: items.min(1, {
    message: "is empty; a policy or group that includes nobody is of no use. Add a rule",
  }),
  require: items.default([]),
  exclude: items.default([]),
};

const policyFields = {
  id: identifier.optional(),
  name,
  decision: z.enum(["allow", "deny", "bypass", "non_identity"]),
  ...ruleSet,
  session_duration: sessionDuration.optional(),
  purpose_justification_required: notYet,
  purpose_justification_prompt: withoutEffect,
  approval_required: notYet,
  approval_groups: notYet,
  isolation_required: notYet,
  mfa_config: notYet,
  connection_rules: notYet,
};

export const reusablePolicy = z.strictObject({
  ...policyFields,
  reusable: z.literal(true).optional(),
});
const precedence = z.int().min(1).optional();
export const inlinePolicy = z.strictObject({ ...policyFields, precedence });
export const policyLink = z.strictObject({ id: identifier, precedence });

export const organization = z.strictObject({
  name: name.default("Postern"),
  session_duration: sessionDuration.optional(),
  login_design: z
    .strictObject({
      background_color: z.string(),
      text_color: z.string(),
      logo_path: z.string(),
      header_text: z.string(),
      footer_text: z.string(),
    })
    .partial()
    .optional(),
  require_login_code: z.boolean().optional(),
  deny_unmatched_requests: alwaysOn,
  strict_service_token_auth: alwaysOn,
  auto_redirect_to_identity: notYet,
  mfa_config: notYet,
  mfa_required_for_all_apps: notYet,
});

export const group = z.strictObject({
  id: identifier.optional(),
  name,
  ...ruleSet,
  is_default: withoutEffect,
});

const list = z.array(z.string().min(1));
export const oidcConfig = z.strictObject({
  client_id: someText,
  client_secret: someText.optional(),
  issuer: webUrl.optional(),
  auth_url: webUrl.optional(),
  token_url: webUrl.optional(),
  certs_url: webUrl.optional(),
  scopes: list.optional(),
  claims: list.optional(),
  email_claim_name: someText.optional(),
  pkce_enabled: z.boolean().optional(),
});

export const identityProvider = z.strictObject({
  id: identifier.optional(),
  name,
  type: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
});

export const serviceToken = z.strictObject({
  id: identifier.optional(),
  name,
  client_id: identifier,
  client_secret: z.string().optional(),
  client_secret_hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { message: "is not a SHA-256 in 64 lower-case hex characters" })
    .optional(),
  enabled: z.boolean().default(true),
  expires_at: moment.optional(),
});

const corsHeaders = z
  .strictObject({
    allow_all_headers: z.boolean(),
    allow_all_methods: z.boolean(),
    allow_all_origins: z.boolean(),
    allow_credentials: z.boolean(),
    allowed_headers: list,
    allowed_methods: z.array(
      z.enum(["GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]),
    ),
    allowed_origins: list,
    max_age: z.int().min(-1).max(86_400),
  })
  .partial();

export const application = z.strictObject({
  id: identifier.optional(),
  aud: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { message: "is not 64 lower-case hex characters" })
    .optional(),
  name,
  type: z
    .literal("self_hosted", { error: 'is not supported yet; write "self_hosted"' })
    .default("self_hosted"),
  domain: applicationPattern.optional(),
  self_hosted_domains: z.array(applicationPattern).optional(),
  destinations: z
    .array(
      z.strictObject({
        type: z
          .literal("public", { error: 'is not supported yet; write "public"' })
          .default("public"),
        uri: applicationPattern,
        overrides: notYet,
      }),
    )
    .optional(),
  session_duration: sessionDuration.default("24h"),
  allowed_idps: list.default([]),
  auto_redirect_to_identity: z.boolean().default(false),
  same_site_cookie_attribute: z.enum(["none", "lax", "strict"]).default("lax"),
  http_only_cookie_attribute: z.boolean().default(true),
  path_cookie_attribute: z.boolean().default(false),
  options_preflight_bypass: z.boolean().default(false),
  cors_headers: corsHeaders.optional(),
  skip_interstitial: z.boolean().default(false),
  read_service_tokens_from_header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, { message: "is not a header name" })
    .optional(),
  custom_deny_message: someText.optional(),
  custom_deny_url: webUrl.optional(),
  custom_non_identity_deny_url: webUrl.optional(),
  allow_encoded_slashes: z.boolean().default(false),
  policies: items.default([]),
  enable_binding_cookie: notYet,
  oauth_configuration: notYet,
  mfa_config: notYet,
  custom_pages: notYet,
  scim_config: notYet,
  app_launcher_visible: withoutEffect,
  logo_url: withoutEffect,
  tags: withoutEffect,
  eager_redirect_cookie_setting: withoutEffect,
  service_auth_401_redirect: withoutEffect,
  allow_iframe: withoutEffect,
});

export const ingressRule = z.strictObject({
  hostname: hostPattern.optional(),
  path: z.string().optional(),
  service: z.string(),
  originRequest: z
    .strictObject({
      httpHostHeader: someText.optional(),
      connectTimeout: timeout.prefault("30s"),
      responseTimeout: timeout.prefault("100s"),
      noTLSVerify: z.boolean().optional(),
      originServerName: someText.optional(),
      caPool: someText.optional(),
    })
    .prefault({}),
});

/** What each kind of rule holds. Names of the same file may stand for ids (configuration.md). */
export const ruleShapes = {
  email: z.strictObject({ email: emailAddress }),
  email_domain: z.strictObject({ domain: emailDomain }),
  ip: z.strictObject({ ip: network }),
  oidc: z.strictObject({
    claim_name: someText,
    claim_value: someText,
    identity_provider_id: someText.optional(),
    identity_provider: someText.optional(),
  }),
  everyone: z.strictObject({}),
  any_valid_service_token: z.strictObject({}),
  group: z.strictObject({ id: someText.optional(), name: someText.optional() }),
  login_method: z.strictObject({ id: someText.optional(), name: someText.optional() }),
  service_token: z.strictObject({ token_id: someText.optional(), name: someText.optional() }),
} as const;

export const sections = {
  organization: organization.prefault({}),
  identity_providers: items.default([]),
  groups: items.default([]),
  policies: items.default([]),
  service_tokens: items.default([]),
  applications: items.default([]),
  ingress: items.min(1, {
    message: "is empty; end it with a rule that has only a service, such as http_status:404",
  }),
};
