// The fields of an application: what somebody may write, and what is stored.
import { z } from "zod";
import { defined } from "../defined.ts";
import { policyEntries, storedPolicyEntry } from "./application-policies.ts";
import { corsHeaders } from "./cors-headers.ts";
import {
  anyDestination,
  destination,
  storedDestinations,
  storedPublicPaths,
} from "./destinations.ts";
import { mfaConfig } from "./mfa-config.ts";
import {
  applicationType,
  isOtherType,
  type OtherApplication,
  otherApplication,
  servedType,
} from "./other-application.ts";
import { pageOrigin } from "./page-origin.ts";
import { sshCertificates } from "./ssh-certificates.ts";
import { tileFields } from "./tile.ts";
import {
  applicationPattern,
  choice,
  hex64,
  identifier,
  notYet,
  objectName,
  sessionDuration,
  someText,
  someTexts,
  webUrl,
  withoutEffect,
} from "./values.ts";
import { storedWithoutEffect } from "./without-effect.ts";

/** fixed for the life of the application */
const aud = hex64("is not 64 lower-case hex characters");

const sameSite = z.enum(["none", "lax", "strict"]);

const doubleSlashes = z.enum(["keep", "merge"]);

const headerPreset = z.enum(["oauth2-proxy", "authelia"]);

const endStreams = z.enum(["all", "streams", "none"]);

/** Fields that may be absent, in a file and in force. */
const optionalFields = {
  cors_headers: corsHeaders.optional(),
  read_service_tokens_from_header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, { message: "is not a header name" })
    .optional(),
  custom_deny_message: someText.optional(),
  ...tileFields,
  custom_deny_url: webUrl.optional(),
  custom_non_identity_deny_url: webUrl.optional(),
  /** a program that has not said who it is hears 401, and is never led to the sign-in page */
  service_auth_401_redirect: z.boolean().optional(),
  /** other pages may show the sign-in page, and the pages that refuse somebody, in a frame */
  allow_iframe: z.boolean().optional(),
  /**
   * [ext] `keep`: `//` stays although some origins would take it for `/` and find another
   * application; `merge`: it never stays (ADR 0013)
   */
  double_slashes: doubleSlashes.optional(),
  /** [ext] signs SSH certificates for people who may enter; absent means none */
  ssh_certificates: sshCertificates.optional(),
};

/** The fields of an application that requests reach. */
export const fields = z.strictObject({
  id: identifier,
  aud: aud.optional(),
  name: objectName,
  type: applicationType.default(servedType),
  domain: applicationPattern.optional(),
  self_hosted_domains: z.array(applicationPattern).optional(),
  destinations: z.array(destination).optional(),
  session_duration: sessionDuration.default("24h"),
  allowed_idps: someTexts.default([]),
  auto_redirect_to_identity: z.boolean().default(false),
  same_site_cookie_attribute: sameSite.default("lax"),
  http_only_cookie_attribute: z.boolean().default(true),
  path_cookie_attribute: z.boolean().default(false),
  enable_binding_cookie: z.boolean().default(false),
  options_preflight_bypass: z.boolean().default(false),
  skip_interstitial: z.boolean().default(false),
  allow_encoded_slashes: z.boolean().default(false),
  accept_bearer: z.boolean().default(false),
  origin_identity: z.boolean().default(false),
  origin_cookie: z.boolean().default(false),
  identity_headers: z.array(headerPreset).default([]),
  proof_of_possession: z.boolean().default(false),
  end_streams: endStreams.default("streams"),
  websocket_origins: z.array(pageOrigin).default([]),
  ...optionalFields,
  policies: policyEntries.prefault([]),
  oauth_configuration: notYet,
  mfa_config: mfaConfig,
  custom_pages: withoutEffect,
  scim_config: withoutEffect,
  eager_redirect_cookie_setting: withoutEffect,
});

const served = fields.extend({ destinations: z.array(anyDestination).optional() });

/** Such an application, as somebody writes it. */
export type Input = z.infer<typeof served>;

/** What somebody writes, of any type. */
export const schema = choice<Input | OtherApplication>((value) =>
  isOtherType(value) ? otherApplication : served,
);

/** Whether it is of another type than requests reach. */
export function isOther(input: Input | OtherApplication): input is OtherApplication {
  return "sent" in input;
}

/** What is stored and in force. */
export const stored = z
  .strictObject({
    id: identifier,
    aud,
    name: objectName,
    type: applicationType,
    /** of another type than requests reach: what was written of it */
    sent: z.record(z.string(), z.unknown()).optional(),
    /** every `host[/path]` pattern; the first is the primary one */
    domains: z.array(applicationPattern),
    /** those of them that have any: pattern → path patterns that nobody need sign in for */
    public_paths: storedPublicPaths.optional(),
    /** destinations that no request reaches, as they were written */
    other_destinations: storedDestinations.optional(),
    session_duration: sessionDuration,
    /** ids; empty means all */
    allowed_idps: someTexts,
    auto_redirect_to_identity: z.boolean(),
    same_site_cookie_attribute: sameSite,
    http_only_cookie_attribute: z.boolean(),
    path_cookie_attribute: z.boolean(),
    /** takes a browser's token from nobody else, programs included; absent means false */
    enable_binding_cookie: z.boolean().optional(),
    options_preflight_bypass: z.boolean(),
    skip_interstitial: z.boolean(),
    /** [ext] lets %2F and %5C through, unchanged; default refuses them (case P4) */
    allow_encoded_slashes: z.boolean(),
    /** [ext] takes the application's token as `Authorization: Bearer`, too; absent means false */
    accept_bearer: z.boolean().optional(),
    /** [ext] lets the origin ask `get-identity` with its assertion; absent means false */
    origin_identity: z.boolean().optional(),
    /** [ext] gives the origin its assertion in a cookie, too; absent means false (ADR 0037) */
    origin_cookie: z.boolean().optional(),
    /** [ext] tells the origin of a person in headers without a signature; absent means no */
    identity_headers: z.array(headerPreset).optional(),
    /** [ext] takes a terminal's token with a proof of its key alone; absent means false */
    proof_of_possession: z.boolean().optional(),
    /**
     * [ext] what ends with the session or the access of whoever asked for it: every answer, those
     * that have no end of their own, or nothing; absent means `streams` (ADR 0016)
     */
    end_streams: endStreams.optional(),
    /**
     * [ext] origins of other sites whose pages may open WebSockets with a cookie of ours; absent
     * means none (case W1)
     */
    websocket_origins: z.array(z.string()).optional(),
    ...optionalFields,
    mfa_config: mfaConfig,
    /** in precedence order */
    policies: z.array(storedPolicyEntry),
    /** of each policy, where they are stated */
    precedences: z.array(z.int()).optional(),
    ...storedWithoutEffect,
  })
  .transform(defined);

/** An application as it is stored: its policies may be links. */
export type StoredApplication = z.infer<typeof stored>;
