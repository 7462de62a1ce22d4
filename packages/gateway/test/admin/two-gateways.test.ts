// Two gateways of one store, whose administrators change the same objects at the same time: each
// change is judged beside what the other has written, and none is lost.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { needsPostgresServer } from "../../../../test/support/postgres.ts";
import { newDatabase } from "../../../../test/support/postgres-database.ts";
import { type AdminFixture, type ApiAnswer, resultOf, startAdminFixture } from "./admin-fixture.ts";

/** A new database that several gateways can open. */
type NewStore = (context: TestContext) => Promise<string>;

const stores: [name: string, options: object, make: NewStore][] = [
  [
    "SQLite",
    {},
    async (context) => {
      const folder = mkdtempSync(join(tmpdir(), "postern-two-"));
      context.after(() => rmSync(folder, { recursive: true, force: true }));
      return `sqlite:${join(folder, "postern.db")}`;
    },
  ],
  [
    "PostgreSQL",
    needsPostgresServer(),
    async (context) => {
      const { server, address, drop } = await newDatabase();
      context.after(() => drop());
      return server.url(address.database);
    },
  ],
];

for (const [name, options, make] of stores) suite(name, options, () => contract(make));

async function startTwo(context: TestContext, make: NewStore): Promise<AdminFixture[]> {
  const store = await make(context);
  const secretKey = randomBytes(32);
  const one = await startAdminFixture(context, { store }, secretKey);
  return [one, await startAdminFixture(context, { store }, secretKey)];
}

const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };

/** What each gateway has in force, once both have heard of everything. */
async function inForce(gateways: AdminFixture[], path: string): Promise<ApiAnswer["result"][]> {
  return Promise.all(
    gateways.map(async ({ api, gateway }) => {
      await gateway.parts.catalogs.refresh();
      return resultOf(await api.get(path));
    }),
  );
}

function contract(make: NewStore): void {
  test("of items that both append to one list none is lost, and each append is in the audit log", async (context) => {
    const gateways = await startTwo(context, make);
    const [one] = gateways as [AdminFixture];
    const created = await one.api.post("/gateway/lists", { name: "L", type: "IP" });
    const { id } = resultOf(created, 201);
    const values = Array.from({ length: 20 }, (_, index) => `10.0.0.${index}`);
    const answers = await Promise.all(
      values.map((value, index) =>
        gateways[index % 2]?.api.patch(`/gateway/lists/${id}`, { append: [{ value }] }),
      ),
    );
    const statuses = answers.map((answer) => answer?.status);
    assert.ok(
      statuses.every((status) => status === 200),
      statuses.join(),
    );
    for (const { items } of await inForce(gateways, `/gateway/lists/${id}`))
      assert.deepEqual(
        items.map(({ value }: { value: string }) => value).toSorted(),
        values.toSorted(),
      );
    const entries = resultOf(await one.api.get("/audit_logs"));
    const counts = entries
      .filter(({ action }: { action: { type: string } }) => action.type === "updated")
      .map(({ newValueJson }: { newValueJson: { count: number } }) => newValueJson.count);
    const expected = values.map((_, index) => index + 1);
    assert.deepEqual(
      counts.toSorted((a: number, b: number) => a - b),
      expected,
      "each after the last",
    );
  });

  test("of policies that both add to one application none is lost", async (context) => {
    const gateways = await startTwo(context, make);
    const [one] = gateways as [AdminFixture];
    const body = { type: "self_hosted", name: "Shop", domain: "shop.localhost", policies: [open] };
    const { id } = resultOf(await one.api.post("/access/apps", body), 201);
    const names = Array.from({ length: 10 }, (_, index) => `policy ${index}`);
    const answers = await Promise.all(
      names.map((policy, index) =>
        gateways[index % 2]?.api.post(`/access/apps/${id}/policies`, { ...open, name: policy }),
      ),
    );
    assert.deepEqual(new Set(answers.map((answer) => answer?.status)), new Set([201]));
    for (const shown of await inForce(gateways, `/access/apps/${id}/policies`)) {
      assert.deepEqual(
        shown.map(({ name }: { name: string }) => name).toSorted(),
        [...names, "open"].toSorted(),
      );
      const precedences = shown.map(({ precedence }: { precedence: number }) => precedence);
      assert.equal(new Set(precedences).size, precedences.length, "each has its own place");
    }
  });

  test("a group is deleted at one gateway or linked at the other, and never both", async (context) => {
    const gateways = await startTwo(context, make);
    const [one, two] = gateways as [AdminFixture, AdminFixture];
    for (let round = 0; round < 10; round++) {
      const made = await one.api.post("/access/groups", {
        name: `g${round}`,
        include: [{ everyone: {} }],
      });
      const { id } = resultOf(made, 201);
      await two.gateway.parts.catalogs.refresh();
      const include = [{ group: { id } }];
      const [deleted, linked] = await Promise.all([
        one.api.delete(`/access/groups/${id}`),
        two.api.post("/access/policies", { ...open, name: `p${round}`, include }),
      ]);
      assert.ok(
        [deleted.status, linked.status].includes(400),
        `${deleted.status} and ${linked.status}`,
      );
      assert.ok([202, 201].some((status) => [deleted.status, linked.status].includes(status)));
    }
    // A link to nothing would put no catalog into force any more.
    await inForce(gateways, "/access/policies");
  });

  test("one domain is given to one application, whoever asks first", async (context) => {
    const gateways = await startTwo(context, make);
    for (let round = 0; round < 5; round++) {
      const domain = `shop${round}.localhost`;
      const answers = await Promise.all(
        gateways.map(({ api }, index) =>
          api.post("/access/apps", { type: "self_hosted", name: `${index}`, domain }),
        ),
      );
      const statuses = answers.map(({ status }) => status).toSorted();
      assert.deepEqual(statuses, [201, 400]);
      const refusal = answers.find(({ status }) => status === 400);
      assert.match(refusal?.errors[0]?.message ?? "", /is covered by application/);
    }
    const [mine, theirs] = await inForce(gateways, "/access/apps");
    assert.equal(mine.length, 5);
    assert.deepEqual(mine, theirs);
  });
}
