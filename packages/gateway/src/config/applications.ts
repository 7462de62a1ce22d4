// Applications as written → as configured: their patterns from the three fields that may hold them,
// their policies in precedence order, and the combinations of settings that contradict each other.
import type { z } from "zod";
import type { Application, CorsHeaders, Policy } from "../model/model.ts";
import type { FieldPath } from "./document.ts";
import { derivedId } from "./object-id.ts";
import { type PolicyContext, readPolicy } from "./policies.ts";
import { isMap, itemsOf, readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { application, inlinePolicy, policyLink } from "./shapes.ts";
import { warnWithoutEffect } from "./without-effect.ts";

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

export interface ApplicationContext extends PolicyContext {
  /** reusable policies, id by id or name */
  policies: ReadonlyMap<string, string>;
  identityProviderCount: number;
  /** hosts that the gateway keeps for itself */
  ownHosts: ReadonlySet<string>;
}

interface Domain {
  text: string;
  path: FieldPath;
}

export function readApplications(
  items: readonly unknown[],
  context: ApplicationContext,
): ConfiguredApplication[] {
  const { report } = context;
  const owners = new Map<string, number>();
  const read = items.flatMap((item, index) => {
    const path = ["applications", index];
    const written = readShape(application, item, path, report);
    const id = written === undefined ? "" : (written.id ?? derivedId("application", written.name));
    // Looked at whatever the other fields say: a person wants to hear everything at once.
    const policies = readPolicyList(item, id, path, context);
    if (written === undefined) return [];
    const domains = readDomains(written, path, context);
    for (const domain of domains) {
      const owner = owners.get(domain.text);
      if (owner !== undefined)
        report.problem(
          domain.path,
          `is covered by applications[${owner}] already; a host and path can belong to one`,
          domain.text,
        );
      owners.set(domain.text, index);
    }
    const texts = domains.map(({ text }) => text);
    return {
      index,
      application: toApplication({ ...written, id }, texts, policies, path, context),
    };
  });
  tellApart(read, report);
  return read.map((each) => each.application);
}

/**
 * `destinations` wins over `self_hosted_domains`; `domain` is the primary one in any case
 * (access-features 3.2).
 */
function readDomains(
  each: WrittenApplication,
  path: FieldPath,
  { report, ownHosts }: ApplicationContext,
): Domain[] {
  const more = each.destinations?.map(({ uri }, index) => ({
    text: uri,
    path: [...path, "destinations", index, "uri"],
  }));
  const others = each.self_hosted_domains?.map((text, index) => ({
    text,
    path: [...path, "self_hosted_domains", index],
  }));
  const first = each.domain === undefined ? [] : [{ text: each.domain, path: [...path, "domain"] }];
  const written = [...first, ...(more ?? others ?? [])];
  const domains = written.filter(
    ({ text }, index) => written.findIndex((other) => other.text === text) === index,
  );
  if (domains.length === 0) report.problem(path, "has no domain; write domain: app.example.com");
  for (const domain of domains) {
    const isOwn = ownHosts.has(domain.text.split("/")[0] ?? "");
    if (isOwn)
      report.problem(
        domain.path,
        "is at the gateway's own host; give the application another",
        domain.text,
      );
  }
  return domains;
}

function toApplication(
  each: WrittenApplication & { id: string },
  domains: string[],
  policies: (Policy | PolicyLink)[],
  path: FieldPath,
  context: ApplicationContext,
): ConfiguredApplication {
  const { names, report, identityProviderCount } = context;
  const allowed = each.allowed_idps.flatMap((written, index) => {
    const found = names.identityProviders.get(written);
    if (found === undefined)
      report.problem(
        [...path, "allowed_idps", index],
        "is not an identity provider of this file; correct the name",
        written,
      );
    return found ?? [];
  });
  if (each.auto_redirect_to_identity && (allowed.length || identityProviderCount) !== 1)
    report.problem(
      [...path, "auto_redirect_to_identity"],
      "needs exactly one identity provider; name it in allowed_idps",
    );
  if (each.options_preflight_bypass && each.cors_headers !== undefined)
    report.problem(
      [...path, "options_preflight_bypass"],
      "cannot stand beside cors_headers; remove one of them",
    );
  if (each.read_service_tokens_from_header?.toLowerCase().startsWith("cf-access-") === true)
    report.problem(
      [...path, "read_service_tokens_from_header"],
      "is a header of the gateway's own; choose another",
    );
  if (each.policies.length === 0) report.warning(path, "has no policies, so nobody can reach it");
  warnWithoutEffect("applications", each, path, report);
  return {
    id: each.id,
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
    policies,
  };
}

function present<Key extends string>(
  key: Key,
  value: string | undefined,
): { [key in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in Key]: string });
}

function readCors(
  cors: WrittenApplication["cors_headers"],
  path: FieldPath,
  report: Report,
): { cors_headers?: CorsHeaders } {
  if (cors === undefined) return {};
  const both = (all: boolean | undefined, some: string[] | undefined) =>
    all === true && some !== undefined && some.length > 0;
  for (const what of ["headers", "methods", "origins"] as const) {
    if (both(cors[`allow_all_${what}`], cors[`allowed_${what}`]))
      report.problem(path, `has both allow_all_${what} and allowed_${what}; remove one`);
  }
  if (cors.allow_credentials === true && cors.allow_all_origins === true)
    report.problem(
      path,
      "allows credentials from all origins, which would let every site read the application; list allowed_origins",
    );
  return {
    cors_headers: Object.fromEntries(
      Object.entries(cors).filter(([, value]) => value !== undefined),
    ),
  };
}

/** Stated precedence orders them, else the list does; lower runs first (access-features 4.2). */
function readPolicyList(
  item: unknown,
  applicationId: string,
  path: FieldPath,
  context: ApplicationContext,
): (Policy | PolicyLink)[] {
  const { report } = context;
  const list = [...path, "policies"];
  const entries = itemsOf(item, "policies").map((entry, index) =>
    readPolicyEntry(entry, applicationId, [...list, index], context),
  );
  const stated = entries.flatMap(({ precedence }) => precedence ?? []);
  if (stated.length > 0 && stated.length < entries.length)
    report.problem(list, "states precedence for some only; state it for all or none");
  if (new Set(stated).size < stated.length)
    report.problem(list, "states the same precedence twice");
  if (new Set(entries.map(({ isLink }) => isLink)).size > 1)
    report.problem(
      list,
      "mixes policies of its own with reusable ones; move all of them to the top-level policies, or none",
    );
  const inOrder = entries.map((entry, index) => ({
    ...entry,
    precedence: entry.precedence ?? index,
  }));
  return inOrder.sort((a, b) => a.precedence - b.precedence).flatMap(({ policy }) => policy ?? []);
}

interface PolicyEntry {
  isLink: boolean;
  precedence?: number | undefined;
  /** undefined when something is wrong with it */
  policy?: Policy | PolicyLink | undefined;
}

/**
 * By id or name; `{id, precedence}`; or the policy itself. Told apart by what is there, so that
 * complaints fit.
 */
function readPolicyEntry(
  entry: unknown,
  applicationId: string,
  path: FieldPath,
  context: ApplicationContext,
): PolicyEntry {
  const { report, policies } = context;
  const isLink =
    typeof entry === "string" ||
    (isMap(entry) && Object.keys(entry).every((key) => key === "id" || key === "precedence"));
  if (!isLink) {
    const written = readShape(inlinePolicy, entry, path, report);
    const id =
      written === undefined ? "" : (written.id ?? derivedId("policy", applicationId, written.name));
    return {
      isLink,
      precedence: written?.precedence,
      policy: readPolicy(written, entry, id, path, context),
    };
  }
  const link =
    typeof entry === "string"
      ? { id: entry, precedence: undefined }
      : readShape(policyLink, entry, path, report);
  if (link === undefined) return { isLink };
  const id = policies.get(link.id);
  if (id === undefined)
    report.problem(
      path,
      "is not a policy of the top-level policies; correct the name, or add it",
      link.id,
    );
  return { isLink, precedence: link.precedence, policy: id === undefined ? undefined : { id } };
}

/** Applications may share a name; then the domain tells them apart. */
function tellApart(
  all: readonly { index: number; application: ConfiguredApplication }[],
  report: Report,
): void {
  const byId = new Map<string, number>();
  const byAud = new Map<string, number>();
  for (const { index, application } of all) {
    const path: FieldPath = ["applications", index];
    const namesake = byId.get(application.id);
    if (namesake !== undefined) {
      if (application.id === derivedId("application", application.name)) {
        application.id = derivedId("application", application.name, application.domains[0] ?? "");
        report.warning(
          path,
          `has the name of applications[${namesake}]; give it an id, so that it stays itself when one of them changes`,
        );
      } else {
        report.problem(
          [...path, "id"],
          `is the id of applications[${namesake}] as well; choose another`,
          application.id,
        );
      }
    }
    byId.set(application.id, index);
    if (application.aud === undefined) continue;
    const sameAud = byAud.get(application.aud);
    if (sameAud !== undefined)
      report.problem(
        [...path, "aud"],
        `is the AUD of applications[${sameAud}] as well; remove one of them`,
      );
    byAud.set(application.aud, index);
  }
}
