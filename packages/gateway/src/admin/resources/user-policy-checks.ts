// `/access/apps/{id}/user_policy_checks` (access-api 3.7): what the policies of an application say
// of one person, as they were at their last sign-in, and why.

import { z } from "zod";
import { namesIn } from "../../analysis/catalog-names.ts";
import { policyData } from "../../analysis/explanation-data.ts";
import { subjectOfLastLogin, verdictOn } from "../../analysis/judge-people.ts";
import { personFields } from "../../model/identity-fields.ts";
import type { Application, Identity } from "../../model/model.ts";
import { atomsOf } from "../../policy/atoms-of.ts";
import { explain } from "../../policy/explain.ts";
import { factsOf } from "../../policy/facts.ts";
import { whyText } from "../../policy/reason-text.ts";
import type { StoredUser } from "../../storage/store.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { visibleApplication } from "./sessions.ts";
import { visibleExplanation } from "./visible-explanation.ts";

const query = z.object({ email: z.string().optional(), user_id: z.string().optional() });

/** The route. */
export function userPolicyCheckRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path: "/access/apps/:id/user_policy_checks", permission: "apps:read" },
      alsoNeeds: ["population:read"],
      summary: "Say what the policies of an application say of a person, and why",
      query,
      handle: (call) => check(call, parts),
    },
  ];
}

async function check(call: Call, parts: AdminParts): Promise<Answer> {
  const application = visibleApplication(call, parts);
  // Whoever may see some applications alone sees no people.
  if (application === undefined || call.token.applications !== null) return fail("not_found");
  const { email, user_id: id } = Object.fromEntries(call.query);
  if (!email && !id)
    return fail("bad_request", "email or user_id in the query must say who is meant.");
  const { users } = parts.store;
  const user = await (id ? users.find(id) : users.withEmail((email ?? "").trim().toLowerCase()));
  if (user === undefined) return fail("not_found", "There is no such user.");
  const { last_identity } = user;
  if (last_identity === null) return fail("not_found", "This user has never signed in.");
  return succeed({
    app_state: appState(call, application, last_identity, parts),
    user_identity: userIdentity(user, last_identity, parts),
  });
}

function appState(
  { token }: Call,
  application: Application,
  identity: Identity,
  { catalogs }: AdminParts,
): object {
  const { id, aud, name, domains, policies } = application;
  const catalog = catalogs.current();
  const atoms = policies.flatMap(({ rules }) => atomsOf(rules));
  const explanation = explain(policies, factsOf(subjectOfLastLogin(identity, catalog), atoms));
  const names = namesIn(catalog);
  return {
    ...{ app_uid: id, aud, name, hostname: domains[0] },
    status: verdictOn(identity, application, catalog),
    why: whyText(explanation, names),
    policies: policyData(visibleExplanation(explanation, token), names),
  };
}

function userIdentity(user: StoredUser, identity: Identity, { accountId }: AdminParts): object {
  const { id } = user;
  const { email, name, geo, iat, is_gateway, is_warp, device_sessions, version } =
    personFields(identity);
  return {
    ...{ id, user_uuid: id, account_id: accountId, email, name, geo, iat },
    ...{ is_gateway, is_warp, device_sessions, version },
  };
}
