// How an identity is shown, by `get-identity` and by the admin API (access-features 9.5).
import type { Identity } from "./identity.ts";

/** What is the same for everybody, or for nobody: Cloudflare's fields that mean nothing here. */
export const sameForAll = {
  saml_attributes: {},
  auth_status: "NONE",
  mtls_auth: {
    cert_issuer_dn: "",
    cert_serial: "",
    cert_issuer_ski: "",
    cert_presented: false,
    auth_status: "NONE",
  },
  is_warp: false,
  is_gateway: false,
  gateway_account_id: "",
  device_id: "",
  devicePosture: {},
  device_sessions: {},
  version: 2,
};

/** A person, as the provider said at that login. Holds nothing that signs anybody in (case L17). */
export function personFields(identity: Identity): Record<string, unknown> {
  return {
    email: identity.email,
    name: identity.name,
    iat: identity.iat,
    ip: identity.ip,
    idp: identity.idp,
    geo: { country: identity.country },
    groups: identity.groups,
    oidc_fields: identity.oidc_fields,
    amr: identity.amr,
    common_name: "",
    service_token_id: "",
    service_token_status: false,
    ...sameForAll,
  };
}
