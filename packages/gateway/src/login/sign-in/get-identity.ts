import type { LoginContext } from "../login-context.ts";
import { sendJson } from "../responses.ts";
import { presentedSession } from "./application-session.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/**
 * Who the bearer is, as the provider said at that login (access-features 9.5). Holds nothing that
 * signs anybody in (case L17).
 */
export async function getIdentity(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { session } = await presentedSession(c, parts);
  if (session === undefined) {
    c.header("WWW-Authenticate", 'Cloudflare-Access realm="get-identity"');
    return sendJson(c, 401, {
      error: "not signed in",
      message:
        "Send the application's token in the cookie CF_Authorization or the header cf-access-token.",
    });
  }
  const { identity } = session;
  return sendJson(c, 200, {
    id: session.user_id,
    user_uuid: session.user_id,
    email: identity.email,
    name: identity.name,
    account_id: await accountId(parts),
    iat: identity.iat,
    ip: identity.ip,
    idp: identity.idp,
    geo: { country: identity.country },
    groups: identity.groups,
    oidc_fields: identity.oidc_fields,
    saml_attributes: {},
    amr: identity.amr,
    auth_status: "NONE",
    common_name: "",
    mtls_auth: {
      cert_issuer_dn: "",
      cert_serial: "",
      cert_issuer_ski: "",
      cert_presented: false,
      auth_status: "NONE",
    },
    service_token_id: "",
    service_token_status: false,
    is_warp: false,
    is_gateway: false,
    gateway_account_id: "",
    device_id: "",
    devicePosture: {},
    device_sessions: {},
    version: 2,
  });
}

/** 32 hex characters, made once for a store. */
function accountId({ store, randomBytes }: SignInParts): Promise<string> {
  return store.settings.get("account_id", randomBytes(16).toString("hex"));
}
