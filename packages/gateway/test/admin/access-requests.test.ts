// The access log by the API, with the query that Cloudflare's clients send (access-api 3.8).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NewAccessEvent } from "../../src/storage/access-log.ts";
import { startAdminFixture } from "./admin-fixture.ts";

const start = Date.UTC(2026, 10, 25);

function row(index: number, more: Partial<NewAccessEvent> = {}): NewAccessEvent {
  return {
    created_at: start + index * 1_000,
    action: "login",
    allowed: true,
    outcome: "allow",
    reason: null,
    ray_id: index.toString(16).padStart(16, "0"),
    ip_address: "192.0.2.7",
    country: "CH",
    user_email: "ada@example.com",
    user_uid: "ada",
    app_uid: "orders",
    app_name: "Orders",
    app_domain: "orders.example.com",
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
    user_agent: null,
    facts: null,
    ...more,
  };
}

const rows = [
  row(0),
  row(1, { user_email: "Ada.B@example.com", country: "PT" }),
  row(2, { allowed: false, outcome: "deny", user_email: "bob@example.com", app_uid: "wiki" }),
  row(3, { action: "logout", outcome: "logout", app_type: "ssh", idp: "pin" }),
  row(4, {
    ...{ action: "request", non_identity: true, user_email: null, idp: "nonidentity" },
    facts: '{"ip":"192.0.2.7"}',
  }),
];

/** query → the rows that it finds, newest first, by their number */
const queries: Record<string, number[]> = {
  "": [4, 3, 2, 1, 0],
  "direction=asc": [0, 1, 2, 3, 4],
  "limit=2": [4, 3],
  "limit=2&page=2": [2, 1],
  "limit=5000": [4, 3, 2, 1, 0],
  "direction=desc": [4, 3, 2, 1, 0],
  "per_page=2&page=2": [2, 1],
  "per_page=2&page=3": [0],
  "per_page=2&page=4": [],
  "since=2026-11-25T00:00:02Z": [4, 3, 2],
  "until=2026-11-25T00:00:02Z": [1, 0],
  "since=2026-11-25T01:00:01%2B01:00&until=2026-11-25T00:00:03Z": [2, 1],
  "email=ada": [3, 1, 0],
  "email=ADA": [3, 1, 0],
  "email=ada&emailOp=contains": [3, 1, 0],
  "email=a_a": [],
  "email=ada@example.com&email_exact=false": [3, 0],
  "email=ada@example.com&email_exact=true": [3, 0],
  "email=ada@example.com&emailOp=eq": [3, 0],
  "email=ada@example.com&emailOp=neq": [4, 2, 1],
  "allowed=false": [2],
  "allowed=false&allowedOp=neq": [4, 3, 1, 0],
  "app_uid=wiki": [2],
  "app_uid=wiki&app_uidOp=neq": [4, 3, 1, 0],
  "app_type=ssh": [3],
  "app_type=ssh&app_typeOp=neq": [4, 2, 1, 0],
  "app_type=ssh&app_typeOp=eq": [3],
  "country_code=PT": [1],
  "country_code=PT&country_codeOp=neq": [4, 3, 2, 0],
  "idp=pin": [3],
  "idp=pin&idpOp=neq": [4, 2, 1, 0],
  "idp=nonidentity": [4],
  "non_identity=true": [4],
  "non_identity=true&non_identityOp=neq": [3, 2, 1, 0],
  "non_identity=false": [3, 2, 1, 0],
  "ray_id=0000000000000002": [2],
  "ray_id=0000000000000002&ray_idOp=neq": [4, 3, 1, 0],
  "action=login": [2, 1, 0],
  "user_id=whatever": [4, 3, 2, 1, 0],
  "email=ada&country_code=CH&direction=asc": [0, 3],
};

test("each filter, alone and with others, finds what it says, page by page until the end", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  await gateway.parts.store.accessLog.add(rows);
  for (const [query, indexes] of Object.entries(queries)) {
    const { status, result } = await api.get(`/access/logs/access_requests?${query}`);
    assert.equal(status, 200, query);
    const found = result.map(({ ray_id }: { ray_id: string }) => Number.parseInt(ray_id, 16));
    assert.deepEqual(found, indexes, query);
  }
});

test("an entry has the fields of Cloudflare's, and what it has no word of is null", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  await gateway.parts.store.accessLog.add(rows);
  const { result } = await api.get("/access/logs/access_requests?limit=1");
  const [entry] = result;
  assert.equal(entry.created_at, "2026-11-25T00:00:04.000Z");
  assert.equal(entry.action, "request");
  assert.equal(entry.allowed, true);
  // Every field of access-features 18, under the names of its lists.
  for (const name of [
    ...["action", "allowed", "app_domain", "app_uid", "connection", "created_at", "ip_address"],
    ...["ray_id", "user_email", "user_uid", "country", "idp", "has_existing_jwt", "policy_id"],
    ...["service_token_id", "has_warp_enabled", "has_gateway_enabled", "device_id"],
    ...["mtls_status", "mtls_cert_serial_id", "mtls_common_name"],
    ...["purpose_justification_prompt", "purpose_justification_response"],
    ...["temporary_access_approvers", "temporary_access_duration"],
  ])
    assert.ok(name in entry, name);
  assert.equal(entry.purpose_justification_prompt, null);
  assert.deepEqual(entry.facts, { ip: "192.0.2.7" });
  const some = await api.get("/access/logs/access_requests?limit=1&fields=ray_id,allowed");
  assert.deepEqual(some.result, [{ allowed: true, ray_id: "0000000000000004" }]);
});

test("a query that cannot be meant is refused in a sentence that names it", async (context) => {
  const { api } = await startAdminFixture(context);
  const wrong: Record<string, RegExp> = {
    "limit=none": /limit/,
    "page=0": /page/,
    "since=yesterday": /since/,
    "direction=up": /direction/,
    "allowed=maybe": /allowed/,
    "idpOp=like": /idpOp/,
    "page=999999&per_page=1000": /page/,
  };
  for (const [query, words] of Object.entries(wrong)) {
    const { status, errors } = await api.get(`/access/logs/access_requests?${query}`);
    assert.equal(status, 400, query);
    assert.match(errors[0]?.message ?? "", words);
  }
});

test("only a token that may read audit logs reads who signed in", async (context) => {
  const { clientWith } = await startAdminFixture(context);
  const other = await clientWith(["apps:write", "metrics:read"]);
  assert.equal((await other.get("/access/logs/access_requests")).status, 403);
  const auditor = await clientWith(["audit_logs:read"]);
  assert.equal((await auditor.get("/access/logs/access_requests")).status, 200);
});
