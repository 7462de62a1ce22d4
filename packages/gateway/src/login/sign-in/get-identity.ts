import { personFields, sameForAll } from "../../model/identity-fields.ts";
import type { ServiceToken, Workload } from "../../model/model.ts";
import { checkServiceToken } from "../../tokens/service-token.ts";
import { refuseUnproven } from "../demanded-proof.ts";
import type { LoginContext } from "../login-context.ts";
import { refuseJson, sendJson } from "../responses.ts";
import {
  assertedSession,
  presentedCredentials,
  presentedSession,
  presentedWorkload,
} from "./application-session.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/**
 * Who the bearer is: a person as the provider said at that login (access-features 9.5), or a
 * program with its service token or a token of its platform. Holds nothing that signs anybody in
 * (case L17).
 */
export async function getIdentity(c: LoginContext, parts: SignInParts): Promise<Response> {
  // 1. A service token, if there is one: a bad one is not rescued by anything else.
  const credentials = presentedCredentials(c);
  if (credentials !== undefined) {
    const check = checkServiceToken(credentials, c.var.facts.catalog, parts.now());
    if (!check.ok) return refuse(c, "The service token is not valid.");
    parts.uses.note(check.serviceToken.id);
    const fields = programFields(check.serviceToken);
    return sendJson(c, 200, { ...fields, account_id: await accountId(parts) });
  }

  // 2. A program with a token of the platform it runs on.
  const workload = await presentedWorkload(c, parts);
  if (workload !== undefined)
    return sendJson(c, 200, { ...workloadFields(workload), account_id: await accountId(parts) });

  // 3. A person, or the origin that a person's request reached.
  const presented = await presentedSession(c, parts);
  if (presented.unproven !== undefined) return refuseUnproven(c, presented.unproven);
  const session = presented.session ?? (await assertedSession(c, parts));
  if (session === undefined)
    return refuse(
      c,
      "Send the application's token in the cookie CF_Authorization or the header cf-access-token.",
    );
  return sendJson(c, 200, {
    id: session.user_id,
    user_uuid: session.user_id,
    account_id: await accountId(parts),
    ...personFields(session.identity),
  });
}

function refuse(c: LoginContext, message: string): Response {
  c.header("WWW-Authenticate", 'Cloudflare-Access realm="get-identity"');
  return refuseJson(c, 401, { error: "not signed in", message }, message);
}

function programFields({ id, name, client_id }: ServiceToken): object {
  return {
    id: "",
    user_uuid: "",
    email: "",
    name,
    common_name: client_id,
    service_token_id: id,
    service_token_status: true,
    ...sameForAll,
  };
}

function workloadFields({ issuer, subject }: Workload): object {
  return {
    id: "",
    user_uuid: "",
    email: "",
    name: subject,
    common_name: `${issuer}#${subject}`,
    workload: { iss: issuer, sub: subject },
    service_token_id: "",
    service_token_status: false,
    ...sameForAll,
  };
}

/** 32 hex characters, made once for a store. */
function accountId({ store, randomBytes }: SignInParts): Promise<string> {
  return store.settings.get("account_id", randomBytes(16).toString("hex"));
}
