// Applications: what is protected. Their patterns come from the three fields that may hold them,
// their policies are links or their own, and some settings contradict each other.
import { z } from "zod";
import { defined } from "../defined.ts";
import {
  ownPolicies,
  policyEntries,
  policyReferences,
  precedencesOf,
  storedPolicyEntry,
  toPolicies,
  toPolicyEntries,
} from "./application-policies.ts";
import { corsHeaders } from "./cors-headers.ts";
import {
  anyDestination,
  checkDomains,
  destination,
  domainsOf,
  otherDestinationsOf,
  publicPathsOf,
  storedDestinations,
  storedPublicPaths,
  toDestinations,
} from "./destinations.ts";
import { defineKind, type Reference, type World } from "./kind.ts";
import { checkMfaConfig, mfaConfig } from "./mfa-config.ts";
import {
  applicationType,
  bookmarkType,
  checkOther,
  isOtherType,
  type OtherApplication,
  otherApplication,
  servedType,
  tileOf,
} from "./other-application.ts";
import { pageOrigin } from "./page-origin.ts";
import { type CompiledPolicy, checkPolicy } from "./policy.ts";
import { type Report, reportBelow } from "./problem.ts";
import { isMap, itemsOf } from "./read-value.ts";
import type { NamedFacts } from "./rules/atom.ts";
import { type SshCertificates, sshCertificates } from "./ssh-certificates.ts";
import { checkTile, tileFields } from "./tile.ts";
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
import { storedWithoutEffect, warnWithoutEffect, withoutEffectIn } from "./without-effect.ts";

/** fixed for the life of the application */
const aud = hex64("is not 64 lower-case hex characters");

const sameSite = z.enum(["none", "lax", "strict"]);

const doubleSlashes = z.enum(["keep", "merge"]);

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

const fields = z.strictObject({
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

type Input = z.infer<typeof served>;

const schema = choice<Input | OtherApplication>((value) =>
  isOtherType(value) ? otherApplication : served,
);

function isOther(input: Input | OtherApplication): input is OtherApplication {
  return "sent" in input;
}

const stored = z
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

/** An application whose AUD may still have to be made. */
type ConfiguredApplication = Omit<StoredApplication, "aud"> & { aud?: string };

/** An application in force. */
export interface Application extends Omit<StoredApplication, "policies"> {
  /** in precedence order */
  policies: CompiledPolicy[];
  /** what they name of a request: a decision depends on nothing else of it */
  names: NamedFacts;
  /** ids of the applications whose tokens they take; few or none */
  linkedApplications: readonly string[];
  /** of the part of it that is public (catalog/public-paths.ts): the path pattern that says so */
  publicPath?: string;
}

/** Everything that makes an application valid. */
export const application = defineKind({
  name: "application",
  noun: "application",
  section: "applications",
  naming: "free",
  distinction: ({ domains, type }) => domains[0] ?? type,
  schema,
  fields,
  stored,
  references: (item) => [...providerReferences(item), ...policyReferences(item)],
  parts: ownPolicies,
  withoutParts: (item) => (isMap(item) ? { ...item, policies: [] } : item),
  claims: ({ domains, aud }) => [
    ...domains.map((domain) => `domain ${domain}`),
    ...(aud === undefined ? [] : [`aud ${aud}`]),
  ],
  check: checkApplication,
  toObject,
  toInput,
});

function providerReferences(item: unknown): Reference[] {
  return itemsOf(item, "allowed_idps").map((_id, index) => ({
    kind: "identity_provider",
    at: ["allowed_idps", index],
  }));
}

function checkApplication(input: Input | OtherApplication, world: World, report: Report): void {
  const namesake = input.aud === undefined ? undefined : world.ownerOf(`aud ${input.aud}`);
  if (namesake !== undefined)
    report.problem(["aud"], `is the AUD of ${namesake} as well; remove one of them`);
  input.policies.forEach((entry, index) => {
    if ("decision" in entry) checkPolicy(entry, world, reportBelow(report, ["policies", index]));
  });
  if (isOther(input)) checkOther(input, report);
  else checkServed(input, world, report);
}

function checkServed(input: Input, world: World, report: Report): void {
  checkDomains(input, world, report);
  const providers = input.allowed_idps.length || world.count("identity_provider");
  if (input.auto_redirect_to_identity && providers !== 1)
    report.problem(
      ["auto_redirect_to_identity"],
      "needs exactly one identity provider; name it in allowed_idps",
    );
  if (input.options_preflight_bypass && input.cors_headers !== undefined)
    report.problem(
      ["options_preflight_bypass"],
      "cannot stand beside cors_headers; remove one of them",
    );
  if (input.read_service_tokens_from_header?.toLowerCase().startsWith("cf-access-") === true)
    report.problem(
      ["read_service_tokens_from_header"],
      "is a header of the gateway's own; choose another",
    );
  checkSshCertificates(input.ssh_certificates, report);
  checkTile(input, report);
  checkMfaConfig(input, report);
  if (input.policies.length === 0) report.warning([], "has no policies, so nobody can reach it");
  warnWithoutEffect(fields, input, report);
}

/** Two people of different domains can have the same name before the `@`. */
function checkSshCertificates(certificates: SshCertificates | undefined, report: Report): void {
  const domains = new Set(certificates?.email_domains);
  if (domains.size < 2) return;
  report.warning(
    ["ssh_certificates", "email_domains"],
    "has several domains: ada@ of each of them gets the same account, ada",
  );
}

function toObject(input: Input | OtherApplication): ConfiguredApplication {
  if (!isOther(input)) return toServed(input);
  const { id, aud, name, type, policies, sent } = input;
  // The rest is what it would be without a word.
  const rest = fields.parse({ id, name });
  const tile = type === bookmarkType ? tileOf(sent) : {};
  return { ...toServed({ ...rest, ...defined({ aud }), ...tile, type, policies }), sent };
}

function toServed(input: Input): ConfiguredApplication {
  return defined({
    id: input.id,
    aud: input.aud,
    name: input.name,
    type: input.type,
    domains: domainsOf(input),
    public_paths: publicPathsOf(input),
    other_destinations: otherDestinationsOf(input),
    session_duration: input.session_duration,
    allowed_idps: input.allowed_idps,
    auto_redirect_to_identity: input.auto_redirect_to_identity,
    same_site_cookie_attribute: input.same_site_cookie_attribute,
    http_only_cookie_attribute: input.http_only_cookie_attribute,
    path_cookie_attribute: input.path_cookie_attribute,
    enable_binding_cookie: input.enable_binding_cookie,
    options_preflight_bypass: input.options_preflight_bypass,
    skip_interstitial: input.skip_interstitial,
    allow_encoded_slashes: input.allow_encoded_slashes,
    double_slashes: input.double_slashes,
    cors_headers: input.cors_headers,
    read_service_tokens_from_header: input.read_service_tokens_from_header,
    accept_bearer: input.accept_bearer,
    origin_identity: input.origin_identity,
    proof_of_possession: input.proof_of_possession,
    end_streams: input.end_streams,
    websocket_origins: input.websocket_origins,
    custom_deny_message: input.custom_deny_message,
    app_launcher_visible: input.app_launcher_visible,
    logo_url: input.logo_url,
    tags: input.tags,
    service_auth_401_redirect: input.service_auth_401_redirect,
    allow_iframe: input.allow_iframe,
    custom_deny_url: input.custom_deny_url,
    custom_non_identity_deny_url: input.custom_non_identity_deny_url,
    ssh_certificates: input.ssh_certificates,
    mfa_config: input.mfa_config,
    policies: toPolicies(input.policies),
    precedences: precedencesOf(input.policies),
    without_effect: withoutEffectIn(fields, input),
  });
}

/** `domain`, `self_hosted_domains` and `destinations` say the same (access-features 3.2). */
function toInput({
  domains,
  public_paths,
  other_destinations,
  policies,
  precedences,
  without_effect,
  sent,
  ...fields
}: ConfiguredApplication): Record<string, unknown> {
  const entries = toPolicyEntries(policies, precedences);
  if (sent !== undefined) {
    const { id, aud, name, type } = fields;
    return defined({ ...sent, id, aud, name, type, policies: entries });
  }
  return {
    ...fields,
    ...without_effect,
    domain: domains[0],
    self_hosted_domains: domains,
    destinations: toDestinations({ domains, public_paths, other_destinations }),
    policies: entries,
  };
}
