// The table of routes: what there is below the account, and what there is beside.

import { accountTokenRoutes, rootRoutes } from "./account.ts";
import type { AdminParts } from "./admin-parts.ts";
import type { PlainRoute } from "./plain-route.ts";
import { accessRequestRoutes } from "./resources/access-requests.ts";
import { applicationPolicyRoutes } from "./resources/application-policies.ts";
import { applicationSettingRoutes } from "./resources/application-settings.ts";
import { applicationsOf } from "./resources/applications.ts";
import { auditLogRoutes } from "./resources/audit-log.ts";
import { configurationRoutes } from "./resources/configuration.ts";
import { decisionRoutes } from "./resources/decisions.ts";
import { descriptionRoute } from "./resources/description.ts";
import { groups } from "./resources/groups.ts";
import { identityProvidersOf } from "./resources/identity-providers.ts";
import { keyRoutes } from "./resources/keys.ts";
import { listItemRoutes, lists } from "./resources/lists.ts";
import { objectRoutes } from "./resources/object-routes.ts";
import { observationRoutes } from "./resources/observation.ts";
import { organizationRoutes } from "./resources/organization.ts";
import { policiesOf } from "./resources/policies.ts";
import { policyTestRoutes } from "./resources/policy-tests.ts";
import { serviceTokenRoutes } from "./resources/service-tokens.ts";
import { sessionRoutes } from "./resources/sessions.ts";
import { sshAuthorityRoutes } from "./resources/ssh-authorities.ts";
import { tagRoutes } from "./resources/tags.ts";
import { userPolicyCheckRoutes } from "./resources/user-policy-checks.ts";
import { userRoutes } from "./resources/users.ts";
import { whatIfRoutes } from "./resources/what-if.ts";
import type { Route } from "./route.ts";

/** Every route below `/client/v4/accounts/{account_id}`. */
export function accountRoutes(parts: AdminParts): Route[] {
  return [
    ...objectRoutes(applicationsOf(parts), parts),
    ...applicationPolicyRoutes(parts),
    ...applicationSettingRoutes(parts),
    ...userPolicyCheckRoutes(parts),
    ...policyTestRoutes(parts),
    ...objectRoutes(policiesOf(), parts),
    ...objectRoutes(groups, parts),
    ...objectRoutes(lists, parts),
    ...listItemRoutes(parts),
    ...tagRoutes(parts),
    ...objectRoutes(identityProvidersOf(parts), parts),
    ...organizationRoutes(parts),
    ...auditLogRoutes(parts),
    ...accessRequestRoutes(parts),
    ...decisionRoutes(parts),
    ...whatIfRoutes(parts),
    ...serviceTokenRoutes(parts),
    ...userRoutes(parts),
    ...sessionRoutes(parts),
    ...keyRoutes(parts),
    ...sshAuthorityRoutes(parts),
    ...configurationRoutes(parts),
    ...accountTokenRoutes(),
  ];
}

/** Every plain route. @param routes what the API has, for its description */
export function plainRoutes(parts: AdminParts, routes: readonly Route[]): PlainRoute[] {
  return [...observationRoutes(parts), descriptionRoute(routes, rootRoutes(parts))];
}
