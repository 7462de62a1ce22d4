// What a token may do, for every route that there is (cases O3, O4): each permission opens what the
// description says and nothing else, by each method and however the path is written, and another
// account's id opens nothing. The matrix is made of the description, which `openapi.test.ts` holds
// to the routes.
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:http";
import { type TestContext, test } from "node:test";
import { allPermissions, type Permission, permits } from "../../src/admin/permissions.ts";
import { application, everybody } from "../access/access-fixture.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

interface Operation {
  description?: string;
}

/** One way to ask for something. */
interface Place {
  method: string;
  /** below the account, with an id in each parameter's place */
  path: string;
  needed: readonly Permission[];
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

interface Scene extends AdminFixture {
  places: Place[];
  /** everything that is configured, as text */
  state(): Promise<string>;
  send(method: string, target: string, secret: string, body?: string): Promise<number>;
}

async function startScene(context: TestContext): Promise<Scene> {
  const applications = [application("app", [everybody])];
  const fixture = await startAdminFixture(context, { applications });
  const { api, ask, adminPort, gateway } = fixture;
  const [app] = resultOf(await api.get("/access/apps"));
  const description = await (await ask("/client/v4/openapi.json")).json();
  const { paths } = description as { paths: Record<string, Record<string, Operation>> };
  const below = "/client/v4/accounts/{account_id}";
  const places = Object.entries(paths)
    .filter(([path]) => path.startsWith(`${below}/`))
    .flatMap(([path, item]) => {
      // An id that there is, wherever it is one of this kind.
      const own = path.slice(below.length).replaceAll(/\{\w+\}/g, String(app.id));
      return methods.flatMap((method): Place[] => {
        const operation = item[method.toLowerCase()];
        const needed = operation?.description?.match(/\b\w+:(?:read|write)\b/g) ?? [];
        return operation === undefined
          ? []
          : [{ method, path: own, needed: needed as Permission[] }];
      });
    });
  const agent = new Agent({ keepAlive: true });
  context.after(() => agent.destroy());
  return {
    ...fixture,
    places,
    async state() {
      const {
        applications: all,
        groups,
        identityProviders,
        organization,
      } = gateway.parts.catalogs.current();
      return JSON.stringify([all, [...groups], [...identityProviders], organization]);
    },
    send: (method, target, secret, body) =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${secret}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        };
        const options = {
          host: "127.0.0.1",
          port: adminPort,
          path: target,
          method,
          headers,
          agent,
        };
        const asked = request(options, (answer: IncomingMessage) => {
          answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
        });
        asked.on("error", reject).end(body);
      }),
  };
}

const bodyOf = (method: string) => (["POST", "PUT", "PATCH"].includes(method) ? "{}" : undefined);

test("O3 each permission opens the methods that the description gives it, of every route, and no other", async (context) => {
  const scene = await startScene(context);
  const { places, clientWith, accountId, send, state } = scene;
  assert.ok(places.length > 60, String(places.length));
  const before = await state();
  for (const granted of [[], ...allPermissions.map((permission) => [permission])]) {
    const { secret } = await clientWith(granted);
    for (const { method, path, needed } of places) {
      if (needed.every((each) => permits(granted, each))) continue;
      const target = `/client/v4/accounts/${accountId}${path}`;
      const status = await send(method, target, secret, bodyOf(method));
      assert.equal(status, 403, `${granted} ${method} ${path}`);
    }
  }
  assert.equal(await state(), before, "nothing was changed");
});

test("O3 what may read may do nothing else, and whoever may is let in", async (context) => {
  const { places, clientWith, accountId, send } = await startScene(context);
  // A token that was never seen counts as a guess: each is asked for many routes.
  const secrets = new Map<string, string>();
  for (const { method, path, needed } of places.filter((each) => each.method === "GET")) {
    const secret = secrets.get(`${needed}`) ?? (await clientWith(needed)).secret;
    secrets.set(`${needed}`, secret);
    const target = `/client/v4/accounts/${accountId}${path}`;
    for (const reading of [method, "HEAD"])
      assert.notEqual(await send(reading, target, secret), 403, `${reading} ${path}`);
    for (const other of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const offered = places.find((each) => each.method === other && each.path === path);
      if (offered?.needed.every((each) => permits(needed, each))) continue;
      const status = await send(other, target, secret, bodyOf(other));
      assert.ok(status >= 400, `${other} ${path}: ${status}`);
      assert.ok([400, 403, 404, 405].includes(status), `${other} ${path}: ${status}`);
    }
  }
});

test("O3 a path in another spelling is no other way to what a token may not have", async (context) => {
  const scene = await startScene(context);
  const { clientWith, accountId, send, api, state } = scene;
  const before = await state();
  const base = `/client/v4/accounts/${accountId}`;
  const [app] = resultOf(await api.get("/access/apps"));
  const spellings = [
    `${base}//access/apps`,
    `/client//v4/accounts/${accountId}/access/apps`,
    `${base}/access/./apps`,
    `${base}/metrics/../access/apps`,
    `${base}/access/groups/..%2fapps`,
    `${base}/access%2fapps`,
    `${base}/access/%61pps/${app.id}/`,
    `${base}/access/apps/${app.id};x`,
    `${base}/access/apps/0`,
    `${base}/access/apps/[0]`,
    `${base}/access/apps[0]`,
    `${base}/access/apps/${app.id}/%2e%2e/${app.id}`,
    `${base}/access/apps/${app.id}%00`,
    `${base}/access/APPS/${app.id}`,
    `/CLIENT/v4/accounts/${accountId}/access/apps`,
    `/health/../client/v4/accounts/${accountId}/access/apps`,
    `/metrics/client/v4/accounts/${accountId}/access/apps`,
    `http://127.0.0.1${base}/access/apps`,
  ];
  const stranger = "postern_admin_nobody";
  const { secret } = await clientWith(["metrics:read"]);
  for (const target of spellings)
    for (const method of methods) {
      const narrow = await send(method, target, secret, bodyOf(method));
      assert.ok(narrow >= 400, `${method} ${target}: ${narrow}`);
      const nobody = await send(method, target, stranger, bodyOf(method));
      assert.ok(nobody >= 400, `${method} ${target}: ${nobody}`);
    }
  assert.equal(await state(), before, "nothing was changed");
});

test("O4 the id of another account, or of nothing, is a 404 in every path, for accounts and zones alike", async (context) => {
  const scene = await startScene(context);
  const { places, accountId, api, send, state } = scene;
  const before = await state();
  const others = [
    accountId.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    "0".repeat(32),
    accountId.toUpperCase() === accountId ? `${accountId}0` : accountId.toUpperCase(),
    `${accountId}0`,
    accountId.slice(1),
    "*",
  ];
  for (const scope of ["accounts", "zones"])
    for (const other of others)
      for (const { method, path } of places) {
        const target = `/client/v4/${scope}/${other}${path}`;
        assert.equal(
          await send(method, target, api.secret, bodyOf(method)),
          404,
          `${method} ${scope} ${other} ${path}`,
        );
      }
  assert.equal(await state(), before, "nothing was changed");
});

test("O4 an object that a body names must be one of this account: an id of elsewhere is refused, and nothing is made", async (context) => {
  const { api, state } = await startScene(context);
  const before = await state();
  const elsewhere = "6f0b3f0e-3f5c-4b9c-9d0b-7f2f8f1f0e0a";
  const self = { name: "new", type: "self_hosted", domain: "new.localhost" };
  const policy = (rule: object) => ({ name: "p", decision: "allow", include: [rule] });
  const wishes: [string, object][] = [
    ["/access/apps", { ...self, policies: [elsewhere] }],
    ["/access/apps", { ...self, policies: [{ id: elsewhere, precedence: 1 }] }],
    ["/access/apps", { ...self, allowed_idps: [elsewhere] }],
    ["/access/policies", policy({ group: { id: elsewhere } })],
    ["/access/policies", policy({ login_method: { id: elsewhere } })],
    ["/access/policies", policy({ email_list: { id: elsewhere } })],
    ["/access/policies", policy({ ip_list: { id: elsewhere } })],
    ["/access/groups", { name: "g", include: [{ group: { id: elsewhere } }] }],
  ];
  for (const [path, body] of wishes) {
    const { status, success } = await api.post(path, body);
    assert.ok(
      !success && [400, 404].includes(status),
      `${path} ${JSON.stringify(body)}: ${status}`,
    );
  }
  for (const path of [
    "apps",
    "policies",
    "groups",
    "identity_providers",
    "service_tokens",
    "users",
  ])
    for (const method of ["get", "delete"] as const) {
      const { status } = await api[method](`/access/${path}/${elsewhere}`);
      assert.ok([404, 405].includes(status), `${method} ${path}: ${status}`);
    }
  assert.equal(await state(), before);
});
