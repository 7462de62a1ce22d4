// Applications: what is protected. Their patterns come from the three fields that may hold them,
// their policies are links or their own, and some settings contradict each other.
import { defined } from "../defined.ts";
import {
  fields,
  type Input,
  isOther,
  type StoredApplication,
  schema,
  stored,
} from "./application-fields.ts";
import {
  ownPolicies,
  policyReferences,
  precedencesOf,
  toPolicies,
  toPolicyEntries,
} from "./application-policies.ts";
import {
  checkDomains,
  domainsOf,
  otherDestinationsOf,
  publicPathsOf,
  toDestinations,
} from "./destinations.ts";
import { defineKind, type Reference, type World } from "./kind.ts";
import { checkMfaConfig } from "./mfa-config.ts";
import { bookmarkType, checkOther, type OtherApplication, tileOf } from "./other-application.ts";
import { type CompiledPolicy, checkPolicy } from "./policy.ts";
import { type Report, reportBelow } from "./problem.ts";
import { isMap, itemsOf } from "./read-value.ts";
import type { NamedFacts } from "./rules/atom.ts";
import type { SshCertificates } from "./ssh-certificates.ts";
import { checkTile } from "./tile.ts";
import { withoutSecrets } from "./unkept-secrets.ts";
import { warnWithoutEffect, withoutEffectIn } from "./without-effect.ts";

export type { StoredApplication } from "./application-fields.ts";

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

function keptOf(sent: Record<string, unknown>): Record<string, unknown> {
  return withoutSecrets(sent) as Record<string, unknown>;
}

function toObject(input: Input | OtherApplication): ConfiguredApplication {
  if (!isOther(input)) return toServed(input);
  const { id, aud, name, type, policies, sent } = input;
  // The rest is what it would be without a word.
  const rest = fields.parse({ id, name });
  const tile = type === bookmarkType ? tileOf(sent) : {};
  return {
    ...toServed({ ...rest, ...defined({ aud }), ...tile, type, policies }),
    sent: keptOf(sent),
  };
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
    origin_cookie: input.origin_cookie,
    identity_headers: presetsIn(input),
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

/** Each once; undefined where there are none. */
function presetsIn({ identity_headers }: Input): StoredApplication["identity_headers"] {
  return identity_headers.length === 0 ? undefined : [...new Set(identity_headers)];
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
