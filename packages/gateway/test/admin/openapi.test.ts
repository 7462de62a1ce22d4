// The description of the API: for everybody, and true. `npm run check` holds it to OpenAPI 3.1.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiAnswer, readAnswer, startAdminFixture } from "./admin-fixture.ts";

interface Description {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; description?: string }>>;
  components: { schemas: Record<string, { properties?: object; required?: string[] }> };
}

test("the description needs no token, says nothing of what is configured, and has the schemas that judge", async (context) => {
  const { ask, accountId, gateway } = await startAdminFixture(context);
  const answer = await ask("/client/v4/openapi.json");
  assert.equal(answer.status, 200);
  const text = await answer.text();
  for (const own of [accountId, `${gateway.port}`, "login.localhost"])
    assert.ok(!text.includes(own), own);
  const { openapi, components } = JSON.parse(text) as Description;
  assert.match(openapi, /^3\.1\./);
  const { group } = components.schemas;
  assert.deepEqual(group?.required, ["name", "include"]);
  assert.ok("exclude" in (group?.properties ?? {}));
});

test("whatever is described is there, and asks for the permission that it names", async (context) => {
  const { ask, accountId, api, clientWith } = await startAdminFixture(context);
  const { paths } = (await (await ask("/client/v4/openapi.json")).json()) as Description;
  const nobody = await clientWith([]);
  let count = 0;
  for (const [path, item] of Object.entries(paths)) {
    const url = path.replace("{account_id}", accountId).replaceAll(/\{\w+\}/g, "none");
    for (const [method, operation] of Object.entries(item)) {
      if (method === "parameters") continue;
      const send = async ({ secret }: { secret: string }): Promise<ApiAnswer> => {
        const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
        const init = { method: method.toUpperCase(), headers };
        const body = method === "get" || method === "delete" ? {} : { body: "{}" };
        return readAnswer(await ask(url, { ...init, ...body }));
      };
      const [first] = (await send(nobody)).errors;
      const needed = /permission (\S+?)\.?(?: and .*)?$/.exec(operation.description ?? "")?.[1];
      const refusal = /lacks the permission (\S+)\.$/.exec(first?.message ?? "")?.[1];
      assert.equal(refusal, needed, `${method} ${path}`);
      if (method === "get") {
        const codes = (await send(api)).errors.map(({ code }) => code);
        assert.ok(!codes.includes(7003) && !codes.includes(7001), `${method} ${path}`);
      }
      count++;
    }
  }
  assert.ok(count > 30, `${count} operations`);
});
