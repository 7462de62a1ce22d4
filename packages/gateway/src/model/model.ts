// The vocabulary: what is configured, who asks, and what policy says. Field names are those of the
// Cloudflare v4 API.
export type { Application } from "./application.ts";
export type { CorsHeaders } from "./cors-headers.ts";
export type { CachedDecision, Decision } from "./decision.ts";
export type { Group } from "./group.ts";
export type { Identity, Principal, Workload } from "./identity.ts";
export type { ClientAuthMethod, IdentityProvider, OidcConfig } from "./identity-provider.ts";
export type { IngressRule } from "./ingress-rule.ts";
export type { List } from "./list.ts";
export type { Organization } from "./organization.ts";
export type { CompiledPolicy, Policy, PolicyAction, WorkloadRule } from "./policy.ts";
export type { Rule } from "./rules/rule.ts";
export type { RuleSet } from "./rules/rule-set.ts";
export type { ServiceToken } from "./service-token.ts";
