// What postern.yaml protects and for whom: the sections that also the API has, from fields of the right shape to
// objects whose names are resolved. What needs two fields, or two objects, is checked here; what cannot be
// meant is a problem, and what hardly can be is a warning.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Group, IdentityProvider, IngressRule, Organization, Policy, ServiceToken } from "../policy/model.ts";
import { type ConfiguredApplication, readApplications, readPolicy } from "./applications.ts";
import { defined } from "./defined.ts";
import type { FieldPath } from "./document.ts";
import { readIdentityProviders } from "./identity-providers.ts";
import { readIngress } from "./ingress.ts";
import { derivedId } from "./object-id.ts";
import { type NamedObjects, nameObjects } from "./object-names.ts";
import { type PolicyContext, warnAboutPolicy } from "./policy-warnings.ts";
import { type Names, readRuleSet } from "./read-rules.ts";
import { createReport, type Report } from "./report.ts";
import { objectFields } from "./shapes.ts";

export const objectsShape = z.object(objectFields);

export interface ConfiguredObjects {
  organization: Organization;
  identity_providers: IdentityProvider[];
  groups: Group[];
  /** reusable ones, which applications link to */
  policies: Policy[];
  service_tokens: ServiceToken[];
  applications: ConfiguredApplication[];
  ingress: IngressRule[];
}

export interface ObjectsContext {
  authDomain: string;
  /** hosts that no application may have */
  ownHosts: ReadonlySet<string>;
  report: Report;
  resolvePath: (path: string) => string;
}

type WrittenObjects = z.infer<typeof objectsShape>;
type Written<Section extends keyof WrittenObjects> = WrittenObjects[Section] extends (infer Each)[] ? Each : never;

/** Reads them all; when the report then holds a problem, what is returned is of no use. */
export function readObjects(written: WrittenObjects, { authDomain, ownHosts, report, resolvePath }: ObjectsContext): ConfiguredObjects {
  const namedProviders = nameObjects("identity_providers", written.identity_providers, report);
  const namedGroups = nameObjects("groups", written.groups, report);
  const namedPolicies = nameObjects("policies", written.policies, report);
  const namedTokens = nameObjects("service_tokens", written.service_tokens, report);
  const names: Names = { groups: namedGroups.ids, identityProviders: namedProviders.ids, serviceTokens: namedTokens.ids };

  const identity_providers = readIdentityProviders(namedProviders, report);
  const groups = readGroups(namedGroups, names, report);
  const policies = namedPolicies.all.map((each) => readPolicy(each.written, each.id, each.path, names, report));
  const applications = readApplications(written.applications, {
    names,
    policies: namedPolicies.ids,
    identityProviderCount: written.identity_providers.length,
    ownHosts,
    report,
  });
  tellApart(applications, report);
  warn(
    written,
    names,
    { groups: new Map(groups.map((group) => [group.id, group])), pinProviders: pinProviders(identity_providers) },
    report,
  );
  return {
    organization: readOrganization(written.organization, authDomain),
    identity_providers,
    groups,
    policies,
    service_tokens: readServiceTokens(namedTokens, report),
    applications,
    ingress: readIngress(written.ingress, report, resolvePath),
  };
}

function readOrganization(written: WrittenObjects["organization"], authDomain: string): Organization {
  const { name, session_duration, login_design, require_login_code } = written;
  return defined({
    name,
    auth_domain: authDomain,
    session_duration,
    login_design: login_design === undefined ? undefined : defined(login_design),
    require_login_code,
  });
}

function readGroups({ all }: NamedObjects<Written<"groups">>, names: Names, report: Report): Group[] {
  const groups = all.map(({ id, written, path }) => ({ id, name: written.name, ...readRuleSet(written, path, names, report) }));
  const inside = new Map(groups.map((group) => [group.id, idsOfGroups(group)]));
  groups.forEach(({ id }, index) => {
    if (contains(inside, id, id, new Set())) {
      report.problem(["groups", index], "contains itself, directly or through other groups; remove the group rule that leads back");
    }
  });
  return groups;
}

function idsOfGroups({ include, require, exclude }: Group): string[] {
  return [...include, ...require, ...exclude].flatMap((rule) => (rule["group"] as { id: string } | undefined)?.id ?? []);
}

function contains(inside: ReadonlyMap<string, string[]>, outer: string, wanted: string, seen: Set<string>): boolean {
  return (inside.get(outer) ?? []).some((id) => {
    if (id === wanted) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    return contains(inside, id, wanted, seen);
  });
}

/** Only the hash of a secret leaves (ADR 0007). */
function readServiceTokens({ all }: NamedObjects<Written<"service_tokens">>, report: Report): ServiceToken[] {
  const clients = new Map<string, number>();
  return all.map(({ id, written, path }, index) => {
    const { name, client_id, client_secret: secret, client_secret_hash: hash, enabled, expires_at } = written;
    const other = clients.get(client_id);
    if (other === undefined) clients.set(client_id, index);
    else report.problem([...path, "client_id"], `is the client_id of service_tokens[${other}] as well; choose another`, client_id);
    if ((secret === undefined) === (hash === undefined)) {
      report.problem(path, "needs either client_secret or client_secret_hash, and not both");
    }
    // Case L11: nothing must never be what opens a door.
    if (secret?.trim() === "") report.problem([...path, "client_secret"], "is empty; write a secret that a machine made");
    const client_secret_hash =
      hash ??
      createHash("sha256")
        .update(secret ?? "")
        .digest("hex");
    return defined({ id, name, client_id, client_secret_hash, enabled, expires_at });
  });
}

/** Applications may share a name; then the domain tells them apart. */
function tellApart(applications: ConfiguredApplication[], report: Report): void {
  const byId = new Map<string, number>();
  const byAud = new Map<string, number>();
  applications.forEach((application, index) => {
    const path: FieldPath = ["applications", index];
    const namesake = byId.get(application.id);
    if (namesake !== undefined) {
      if (application.id === derivedId("application", application.name)) {
        application.id = derivedId("application", application.name, application.domains[0] ?? "");
        report.warning(path, `has the name of applications[${namesake}]; give it an id, so that it stays itself when one of them changes`);
      } else {
        report.problem([...path, "id"], `is the id of applications[${namesake}] as well; choose another`, application.id);
      }
    }
    byId.set(application.id, index);
    const sameAud = application.aud === undefined ? undefined : byAud.get(application.aud);
    if (sameAud !== undefined) report.problem([...path, "aud"], `is the AUD of applications[${sameAud}] as well; remove one of them`);
    if (application.aud !== undefined) byAud.set(application.aud, index);
  });
}

/** What was written for Cloudflare and means nothing here: by section, the fields of `withoutEffect` in shapes.ts. */
const withoutEffect = {
  groups: ["is_default"],
  policies: ["purpose_justification_prompt"],
  applications: ["app_launcher_visible", "logo_url", "tags", "eager_redirect_cookie_setting", "service_auth_401_redirect", "allow_iframe"],
} as const;

function warn(written: WrittenObjects, names: Names, context: PolicyContext, report: Report): void {
  const ineffective = (section: keyof typeof withoutEffect, each: object, path: FieldPath) => {
    for (const field of withoutEffect[section]) {
      if (isUsed((each as Record<string, unknown>)[field])) report.warning([...path, field], "has no effect in this gateway");
    }
  };
  const policy = (each: Written<"policies">, path: FieldPath) => {
    ineffective("policies", each, path);
    // Read once more, in the order of the file and without its problems, which are reported already.
    warnAboutPolicy(readPolicy(each, "", path, names, createReport()), path, context, report);
  };
  written.groups.forEach((group, index) => {
    ineffective("groups", group, ["groups", index]);
  });
  written.policies.forEach((each, index) => {
    policy(each, ["policies", index]);
  });
  written.applications.forEach((application, index) => {
    ineffective("applications", application, ["applications", index]);
    application.policies.forEach((entry, place) => {
      if (entry.kind === "inline") policy(entry.policy, ["applications", index, "policies", place]);
    });
  });
}

function isUsed(value: unknown): boolean {
  return value !== undefined && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function pinProviders(providers: readonly IdentityProvider[]): ReadonlySet<string> {
  return new Set(providers.filter(({ type }) => type === "onetimepin").map(({ id }) => id));
}
