// What postern.yaml protects and for whom: the sections that also the API has, from what was
// written to objects whose names are resolved. What needs two fields, or two objects, is checked
// here and in the files beside; what cannot be meant is a problem, and what hardly can be is a
// warning.

import type { z } from "zod";
import { defined } from "../defined.ts";
import type {
  Group,
  IdentityProvider,
  IngressRule,
  Organization,
  Policy,
  ServiceToken,
} from "../model/model.ts";
import { type ConfiguredApplication, readApplications } from "./applications.ts";
import type { FileContext } from "./certificate-files.ts";
import { readGroups } from "./groups.ts";
import { readIdentityProviders } from "./identity-providers.ts";
import { readIngress } from "./ingress.ts";
import { nameObjects } from "./object-names.ts";
import { readPolicies } from "./policies.ts";
import type { Names } from "./read-rules.ts";
import { readFields } from "./read-shape.ts";
import { readServiceTokens } from "./service-tokens.ts";
import { type organization, sections } from "./shapes.ts";

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

export interface ObjectsContext extends FileContext {
  authDomain: string;
  /** hosts that no application may have */
  ownHosts: ReadonlySet<string>;
}

/** Reads them all; when the report then holds a problem, what is returned is of no use. */
export function readObjects(
  fields: Readonly<Record<string, unknown>>,
  context: ObjectsContext,
): ConfiguredObjects {
  const { authDomain, ownHosts, report } = context;
  const { right: written } = readFields(sections, fields, report);
  const named = {
    providers: nameObjects("identity_providers", written.identity_providers ?? [], report),
    groups: nameObjects("groups", written.groups ?? [], report),
    policies: nameObjects("policies", written.policies ?? [], report),
    tokens: nameObjects("service_tokens", written.service_tokens ?? [], report),
  };
  const names: Names = {
    groups: named.groups.ids,
    identityProviders: named.providers.ids,
    serviceTokens: named.tokens.ids,
  };

  const identity_providers = readIdentityProviders(named.providers, report);
  const groups = readGroups(named.groups, names, report);
  const policyContext = {
    names,
    world: {
      groups: new Map(groups.map((group) => [group.id, group])),
      pinProviders: pinProviders(identity_providers),
    },
    report,
  };
  return {
    organization: readOrganization(written.organization ?? { name: "" }, authDomain),
    identity_providers,
    groups,
    policies: readPolicies(named.policies, policyContext),
    service_tokens: readServiceTokens(named.tokens, report),
    applications: readApplications(written.applications ?? [], {
      ...policyContext,
      policies: named.policies.ids,
      identityProviderCount: named.providers.all.length,
      ownHosts,
    }),
    ingress: readIngress(written.ingress ?? [], context),
  };
}

function readOrganization(written: z.infer<typeof organization>, authDomain: string): Organization {
  const { name, session_duration, login_design, require_login_code } = written;
  return defined({
    name,
    auth_domain: authDomain,
    session_duration,
    login_design: login_design === undefined ? undefined : defined(login_design),
    require_login_code,
  });
}

function pinProviders(providers: readonly IdentityProvider[]): ReadonlySet<string> {
  return new Set(providers.filter(({ type }) => type === "onetimepin").map(({ id }) => id));
}
