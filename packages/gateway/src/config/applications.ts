// Applications as written → as configured: their patterns from the three fields that may hold them, their policies
// in precedence order, and the combinations of settings that contradict each other.
import type { z } from "zod";
import type { Application, CorsHeaders, Policy } from "../policy/model.ts";
import type { FieldPath } from "./document.ts";
import { derivedId } from "./object-id.ts";
import { type Names, readRuleSet } from "./read-rules.ts";
import type { Report } from "./report.ts";
import type { application, reusablePolicy } from "./shapes.ts";

/** The link to a policy of the top level. */
export interface PolicyLink {
  id: string;
}

/** An application of the file: its AUD may still have to be made, its policies may be links. */
export interface ConfiguredApplication extends Omit<Application, "aud" | "policies"> {
  aud?: string;
  policies: (Policy | PolicyLink)[];
}

type WrittenApplication = z.infer<typeof application>;
type WrittenPolicy = Omit<z.infer<typeof reusablePolicy>, "reusable">;

export interface ApplicationContext {
  names: Names;
  /** reusable policies, id by id or name */
  policies: ReadonlyMap<string, string>;
  identityProviderCount: number;
  /** hosts that the gateway keeps for itself */
  ownHosts: ReadonlySet<string>;
  report: Report;
}

export function readApplications(written: readonly WrittenApplication[], context: ApplicationContext): ConfiguredApplication[] {
  const patterns = new Map<string, string>();
  return written.map((each, index) => {
    const path = ["applications", index];
    const domains = readDomains(each, path, context);
    for (const domain of domains) {
      const other = patterns.get(domain);
      if (other !== undefined)
        context.report.problem(path, `covers ${domain} as "${other}" does; a host and path can belong to one application`);
      patterns.set(domain, each.name);
    }
    return toApplication(each, domains, path, context);
  });
}

/** `destinations` wins over `self_hosted_domains`; `domain` is the primary one in any case (access-features 3.2). */
function readDomains(each: WrittenApplication, path: FieldPath, { report, ownHosts }: ApplicationContext): string[] {
  const more = each.destinations?.map(({ uri }) => uri) ?? each.self_hosted_domains ?? [];
  const domains = [...new Set([...(each.domain === undefined ? [] : [each.domain]), ...more])];
  if (domains.length === 0) report.problem(path, "has no domain; write domain: app.example.com");
  for (const domain of domains) {
    if (ownHosts.has(domain.split("/")[0] ?? "")) report.problem(path, `${domain} is the gateway's own host; give the application another`);
  }
  return domains;
}

function toApplication(each: WrittenApplication, domains: string[], path: FieldPath, context: ApplicationContext): ConfiguredApplication {
  const { names, report, identityProviderCount } = context;
  const id = each.id ?? derivedId("application", each.name);
  const allowed = each.allowed_idps.flatMap((written, index) => {
    const found = names.identityProviders.get(written);
    if (found === undefined)
      report.problem([...path, "allowed_idps", index], "is not an identity provider of this file; correct the name", written);
    return found ?? [];
  });
  if (each.auto_redirect_to_identity && (allowed.length || identityProviderCount) !== 1)
    report.problem([...path, "auto_redirect_to_identity"], "needs exactly one identity provider; name it in allowed_idps");
  if (each.options_preflight_bypass && each.cors_headers !== undefined)
    report.problem([...path, "options_preflight_bypass"], "cannot stand beside cors_headers; remove one of them");
  if (each.read_service_tokens_from_header?.toLowerCase().startsWith("cf-access-") === true)
    report.problem([...path, "read_service_tokens_from_header"], "is a header of the gateway's own; choose another");
  if (each.policies.length === 0) report.warning(path, "has no policies, so nobody can reach it");
  return {
    id,
    ...(each.aud === undefined ? {} : { aud: each.aud }),
    name: each.name,
    type: each.type,
    domains,
    session_duration: each.session_duration,
    allowed_idps: allowed,
    auto_redirect_to_identity: each.auto_redirect_to_identity,
    same_site_cookie_attribute: each.same_site_cookie_attribute,
    http_only_cookie_attribute: each.http_only_cookie_attribute,
    path_cookie_attribute: each.path_cookie_attribute,
    options_preflight_bypass: each.options_preflight_bypass,
    skip_interstitial: each.skip_interstitial,
    allow_encoded_slashes: each.allow_encoded_slashes,
    ...readCors(each.cors_headers, [...path, "cors_headers"], report),
    ...present("read_service_tokens_from_header", each.read_service_tokens_from_header),
    ...present("custom_deny_message", each.custom_deny_message),
    ...present("custom_deny_url", each.custom_deny_url),
    ...present("custom_non_identity_deny_url", each.custom_non_identity_deny_url),
    policies: readPolicies(each, id, path, context),
  };
}

function present<Key extends string>(key: Key, value: string | undefined): { [key in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in Key]: string });
}

function readCors(cors: WrittenApplication["cors_headers"], path: FieldPath, report: Report): { cors_headers?: CorsHeaders } {
  if (cors === undefined) return {};
  const both = (all: boolean | undefined, some: string[] | undefined) => all === true && some !== undefined && some.length > 0;
  for (const what of ["headers", "methods", "origins"] as const) {
    if (both(cors[`allow_all_${what}`], cors[`allowed_${what}`]))
      report.problem(path, `has both allow_all_${what} and allowed_${what}; remove one`);
  }
  if (cors.allow_credentials === true && cors.allow_all_origins === true)
    report.problem(path, "allows credentials from all origins, which would let every site read the application; list allowed_origins");
  return { cors_headers: Object.fromEntries(Object.entries(cors).filter(([, value]) => value !== undefined)) };
}

/** Stated precedence orders them, else the list does; lower runs first (access-features 4.2). */
function readPolicies(
  { policies }: WrittenApplication,
  applicationId: string,
  path: FieldPath,
  context: ApplicationContext,
): (Policy | PolicyLink)[] {
  const { report } = context;
  const stated = policies.filter(({ precedence }) => precedence !== undefined);
  if (stated.length > 0 && stated.length < policies.length)
    report.problem([...path, "policies"], "states precedence for some only; state it for all or none");
  if (new Set(stated.map(({ precedence }) => precedence)).size < stated.length)
    report.problem([...path, "policies"], "states the same precedence twice");
  if (new Set(policies.map(({ kind }) => kind)).size > 1)
    report.problem(
      [...path, "policies"],
      "mixes policies of its own with reusable ones; move all of them to the top-level policies, or none",
    );
  const read = policies.map((entry, index): { precedence: number; policy: Policy | PolicyLink | undefined } => {
    const precedence = entry.precedence ?? index;
    if (entry.kind === "inline") {
      const id = entry.policy.id ?? derivedId("policy", applicationId, entry.policy.name);
      return { precedence, policy: readPolicy(entry.policy, id, [...path, "policies", index], context.names, report) };
    }
    const id = context.policies.get(entry.id);
    if (id === undefined)
      report.problem([...path, "policies", index], "is not a policy of the top-level policies; correct the name, or add it", entry.id);
    return { precedence, policy: id === undefined ? undefined : { id } };
  });
  return read.sort((a, b) => a.precedence - b.precedence).flatMap(({ policy }) => policy ?? []);
}

/** A policy on its own, with names resolved. */
export function readPolicy(written: WrittenPolicy, id: string, path: FieldPath, names: Names, report: Report): Policy {
  return {
    id,
    name: written.name,
    decision: written.decision,
    ...readRuleSet(written, path, names, report),
    ...present("session_duration", written.session_duration),
  };
}
