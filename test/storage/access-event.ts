import {
  accessEventId,
  type StoredAccessEvent,
} from "../../packages/gateway/src/storage/access-log.ts";
import { time } from "./backends.ts";

/** A sign-in as the access log keeps it. */
export function accessEvent(more: Partial<StoredAccessEvent> = {}): StoredAccessEvent {
  const { created_at = time, ray_id = "00000000000000aa", action = "login" } = more;
  return {
    id: accessEventId(created_at, ray_id, action),
    created_at,
    action,
    allowed: true,
    outcome: "allow",
    reason: null,
    ray_id,
    ip_address: "192.0.2.7",
    country: null,
    user_email: "ada@example.com",
    user_uid: "ada",
    app_uid: "orders",
    app_name: "Orders",
    app_domain: "orders.example.com/v1",
    app_type: "self_hosted",
    idp: "corp",
    connection: "oidc",
    has_existing_jwt: false,
    non_identity: false,
    service_token_id: null,
    policy_id: "p",
    policy_name: "engineers",
    rule: null,
    method: null,
    host: null,
    path: null,
    status: null,
    user_agent: "a browser",
    facts: null,
    ...more,
  };
}
