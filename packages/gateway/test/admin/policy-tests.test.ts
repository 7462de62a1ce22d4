// What policies say of people who are known: of one at an application, and of everybody for
// policies that need not be in force anywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { ada, application, bob, everybody, hour } from "../access/access-fixture.ts";
import { identityOf } from "../tokens/token-fixture.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

const tests = "/access/policy-tests";
const staff = { name: "staff", decision: "allow", include: [{ email: { email: ada } }] };
const engineers = {
  name: "engineers",
  decision: "allow",
  include: [{ oidc: { claim_name: "team", claim_value: "eng", identity_provider_id: "pin" } }],
};

async function signIn({ gateway: { parts } }: AdminFixture, email: string): Promise<string> {
  const pin = { idp: { id: "pin", type: "onetimepin" }, known_claims: ["department"] };
  const identity = { ...identityOf(email, { department: "tools" }), ...pin };
  const session = await parts.sessions.start({
    ...{ kind: "browser" as const, identity, userAgent: "Firefox", lifetimeMs: hour },
  });
  return session.user_id;
}

/** Waits for a test's end. */
async function run({ api }: AdminFixture, policies: unknown[]) {
  const { id, status } = resultOf(await api.post(tests, { policies }), 201);
  assert.equal(status, "success");
  let done: Record<string, unknown> = {};
  await until(async () => {
    done = resultOf(await api.get(`${tests}/${id}`));
    return done["status"] === "complete";
  });
  return { id, done };
}

test("a policy test counts everybody, and lists them by what it says of them", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api, gateway } = fixture;
  await signIn(fixture, ada);
  await signIn(fixture, bob);
  // More than one turn, of people who never signed in.
  const { store, now } = gateway.parts;
  for (let index = 0; index < 250; index++)
    await store.users.forEmail(`user${index}@example.com`, now(), `user${index}`);
  const { id, done } = await run(fixture, [staff]);
  assert.deepEqual(done, {
    ...{ id, status: "complete", total_users: 252 },
    ...{ users_approved: 1, users_blocked: 1, users_errored: 250 },
    ...{ percent_approved: 0, percent_blocked: 0, percent_errored: 99 },
    percent_users_processed: 100,
  });
  const listed = async (query: string) => {
    const { result, result_info } = await api.get(`${tests}/${id}/users?${query}`);
    const shown = (result as { email: string; status: string }[]).map(
      ({ email, status }) => `${email} ${status}`,
    );
    return [shown, result_info?.["total_count"]];
  };
  assert.deepEqual(await listed("status=success"), [[`${ada} approved`], 1]);
  assert.deepEqual(await listed("status=fail"), [[`${bob} blocked`], 1]);
  assert.deepEqual(await listed("status=error&per_page=1&page=250"), [
    ["user9@example.com error"],
    250,
  ]);
  assert.deepEqual(await listed("status=error&per_page=1&page=251"), [[], 250], "past the end");
  assert.deepEqual(await listed("per_page=2"), [[`${ada} approved`, `${bob} blocked`], 252]);
  assert.equal((await api.get(`${tests}/${id}/users?status=x`)).status, 400);

  gateway.clock.ahead = 25 * hour;
  assert.equal((await api.get(`${tests}/${id}`)).status, 404, "a day later");
});

test("policies are tried in their order, by id or whole, with the groups that there are", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  await signIn(fixture, ada);
  await signIn(fixture, bob);
  const group = resultOf(
    await api.post("/access/groups", {
      name: "G",
      include: [{ email_domain: { domain: "example.com" } }],
    }),
    201,
  );
  const deny = { name: "no bob", decision: "deny", include: [{ email: { email: bob } }] };
  const allow = { name: "g", decision: "allow", include: [{ group: { id: group.id } }] };
  const { id } = resultOf(await api.post("/access/policies", allow), 201);
  assert.equal((await run(fixture, [deny, id])).done["users_approved"], 1);
  assert.equal((await run(fixture, [id, deny])).done["users_approved"], 2);
  const { done } = await run(fixture, [engineers]);
  assert.equal(done["users_errored"], 2, "what the provider never said cannot be judged");
});

test("what is no policy is refused with its place, and nothing is begun", async (context) => {
  const { api } = await startAdminFixture(context);
  const wrong: [unknown, RegExp, string][] = [
    [undefined, /^policies must be a list/, "/policies"],
    [{ policies: [] }, /^policies must be a list/, "/policies"],
    [{ policies: Array(101).fill(staff) }, /^policies must be a list/, "/policies"],
    [{ policies: ["none"] }, /^policies\[0\] is not the id/, "/policies/0"],
    [{ policies: [7] }, /^policies\[0\] is no policy/, "/policies/0"],
    [
      { policies: [staff, { ...staff, include: [{ email: { email: "x" } }] }] },
      /^policies\[1\]\.include\[0\]\.email\.email /,
      "/policies/1/include/0/email/email",
    ],
  ];
  for (const [body, says, pointer] of wrong) {
    const { status, errors } = await api.post(tests, body);
    assert.equal(status, 400);
    assert.match(errors[0]?.message ?? "", says);
    assert.equal(errors[0]?.source?.pointer, pointer);
  }
  assert.equal((await api.get(`${tests}/none`)).status, 404);
});

test("a check says of one person what an application's policies say, and why", async (context) => {
  const fixture = await startAdminFixture(context, {
    applications: [application("app", [{ ...staff }]), application("open", [everybody])],
  });
  const { api, gateway } = fixture;
  const id = await signIn(fixture, ada);
  await signIn(fixture, bob);
  const [app] = gateway.parts.catalogs.current().applications;
  const path = `/access/apps/${app?.id}/user_policy_checks`;
  const { app_state, user_identity } = resultOf(await api.get(`${path}?user_id=${id}`));
  assert.equal(app_state.status, "approved");
  assert.equal(app_state.app_uid, app?.id);
  assert.equal(app_state.policies[0].effect, "decides");
  assert.equal(user_identity.email, ada);
  assert.equal(user_identity.user_uuid, id);
  const refused = resultOf(await api.get(`${path}?email=${bob.toUpperCase()}`)).app_state;
  assert.equal(refused.status, "blocked");
  assert.match(refused.why, /^no policy matches: "staff" \(.*\) includes nothing that holds/);
  assert.equal((await api.get(path)).status, 400, "of whom?");
  assert.equal((await api.get(`${path}?email=eve@example.com`)).status, 404);
  await gateway.parts.store.users.forEmail("new@example.com", 1, "new");
  assert.equal((await api.get(`${path}?user_id=new`)).status, 404, "never signed in");
});

test("who may not see people, or some applications alone, is told nothing of them", async (context) => {
  const fixture = await startAdminFixture(context, {
    applications: [application("app", [everybody])],
  });
  const { clientWith, gateway } = fixture;
  await signIn(fixture, ada);
  const [app] = gateway.parts.catalogs.current().applications;
  const { id } = (await run(fixture, [staff])) as { id: string };
  const check = `/access/apps/${app?.id}/user_policy_checks?email=${ada}`;
  const blind = await clientWith(["apps:write"]);
  for (const path of [check, `${tests}/${id}`, `${tests}/${id}/users`]) {
    const { status, errors } = await blind.get(path);
    assert.equal(status, 403, path);
    assert.equal(errors[0]?.message, "The token lacks the permission population:read.");
  }
  assert.equal((await blind.post(tests, { policies: [staff] })).status, 403);
  const narrow = await clientWith(["apps:read", "population:read"], [app?.id ?? ""]);
  for (const path of [check, `${tests}/${id}`, `${tests}/${id}/users`])
    assert.equal((await narrow.get(path)).status, 404, path);
  assert.equal((await narrow.post(tests, { policies: [staff] })).status, 403);
});
