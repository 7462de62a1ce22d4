// What a changed file takes away: half of a file is a configuration as well, in which a narrow
// application is missing and a wide one covers its paths. It is never in force by accident.
import assert from "node:assert/strict";
import { appendFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startUpstream } from "../support/upstream.ts";
import { anOperator, ask, host, said, startGateway } from "./gateway-process-fixture.ts";

const inForce = "the changed configuration is in effect";
const notApplied = "the changed configuration was not applied; the previous one stays in effect";
const removed = "these objects are no longer in the configuration and were removed";

/** A file whose first application lets everybody in, and each of the others nobody, at its path. */
async function scene(context: TestContext, closedPaths = ["admin"]) {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, {});
  const head = `auth_domain: login.localhost
public_ports: [80]
listen: 127.0.0.1:${operator.port}
ingress: [{service: "${upstream.origin}"}]
identity_providers: [{id: pin, name: PIN, type: onetimepin}]
applications:
- {name: Open, domain: ${host}, policies: [{name: all, decision: bypass, include: [{everyone: {}}]}]}
`;
  const closed = closedPaths.map(
    (path) =>
      `- {name: "Closed ${path}", domain: ${host}/${path}, policies: [{name: none, decision: allow, include: [{email: {email: a@example.com}}]}]}\n`,
  );
  const whole = head + closed.join("");
  writeFileSync(operator.file, whole);
  const statusOf = async (path: string) => {
    const headers = { Host: host, Accept: "application/json" };
    return (await ask({ port: operator.port, path, headers })).status;
  };
  return { operator, upstream, head, closed, whole, statusOf };
}

test("a file that is being written is not in force before it is whole, however it is written", async (context) => {
  const { operator, upstream, head, whole, statusOf } = await scene(context);
  const { file } = operator;
  const running = startGateway(context, file);
  await running.until(/the gateway is up/);
  const rest = whole.slice(head.length);
  const ways: Record<string, () => Promise<void>> = {
    async "the first half, then the second"() {
      writeFileSync(file, head);
      await pause(500);
      appendFileSync(file, rest);
    },
    async "cut, with the rest later"() {
      truncateSync(file, head.length);
      await pause(400);
      appendFileSync(file, `${rest}# once more\n`);
    },
    async "removed, and written anew in pieces"() {
      unlinkSync(file);
      await pause(200);
      writeFileSync(file, head);
      for (const piece of [rest, "# one\n", "# two\n"]) {
        await pause(300);
        appendFileSync(file, piece);
      }
    },
    async "the first half, and SIGHUP"() {
      const begunAt = performance.now();
      writeFileSync(file, head);
      running.child.kill("SIGHUP");
      await pause(100);
      // After a second it would confirm what the gateway has refused meanwhile.
      if (performance.now() - begunAt < 600) running.child.kill("SIGHUP");
      await pause(100);
      appendFileSync(file, rest);
    },
  };
  let changes = 0;
  for (const [way, write] of Object.entries(ways)) {
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        assert.notEqual(await statusOf("/admin"), 200, way);
        await pause(5);
      }
    })();
    await write();
    changes += 1;
    await said(running, inForce, changes);
    isOver = true;
    await watching;
    assert.equal(await statusOf("/open"), 200, way);
  }
  assert.ok(upstream.requests.every(({ url }) => url === "/open"));
  assert.doesNotMatch(running.stderr(), /objects_removed/);
});

test("what a change removes is a warning by name, whatever kind it is of", async (context) => {
  const { operator, whole } = await scene(context, ["a", "b", "c"]);
  const more = `service_tokens:
- {name: deploy, client_id: deploy, client_secret: x}
- {name: backup, client_id: backup, client_secret: y}
- {name: report, client_id: report, client_secret: z}
groups:
- {name: engineering, include: [{email: {email: ada@example.com}}]}
- {name: operations, include: [{email: {email: bob@example.com}}]}
- {name: support, include: [{email: {email: eve@example.com}}]}
`;
  writeFileSync(operator.file, whole + more);
  const running = startGateway(context, operator.file);
  await running.until(/the gateway is up/);
  const lines = (whole + more).split("\n");
  const gone = ["Closed c", "backup", "operations"];
  const rest = lines.filter((line) => !gone.some((name) => line.includes(name)));
  writeFileSync(operator.file, rest.join("\n"));
  const { level, objects } = await said(running, removed);
  assert.equal(level, 40);
  assert.deepEqual(
    new Set(objects as string[]),
    new Set(['application "Closed c"', 'service token "backup"', 'group "operations"']),
  );
});

test("a change that removes more than limits.removals allows is refused, by name, until SIGHUP confirms it", async (context) => {
  const { operator, head, closed, statusOf } = await scene(context, ["a", "b", "c", "d"]);
  const limited = `limits: {removals: 0.2}\n${head}`;
  writeFileSync(operator.file, limited + closed.join(""));
  const running = startGateway(context, operator.file);
  await running.until(/the gateway is up/);

  writeFileSync(operator.file, limited + closed.slice(1).join(""));
  await said(running, inForce);
  assert.equal(await statusOf("/a"), 200, "one of five is no more than it allows");

  // The cut file says nothing of the limit: the one of the start holds.
  writeFileSync(operator.file, head + closed.slice(3).join(""));
  const { problems } = (await said(running, notApplied)) as { problems: string[] };
  assert.equal(problems.length, 1);
  assert.match(
    problems[0] ?? "",
    /limits\.removals: 0\.2 .*application "Closed b", application "Closed c".*SIGHUP/,
  );
  assert.notEqual(await statusOf("/b"), 200);

  running.child.kill("SIGHUP");
  await said(running, inForce, 2);
  assert.equal(await statusOf("/b"), 200);
  assert.notEqual(await statusOf("/d"), 200);
});

test("a file that is cut and stays so is refused without a setting, and one SIGHUP that came before is no confirmation", async (context) => {
  for (const closedPaths of [["admin"], ["admin", "b"], ["admin", "b", "c"]]) {
    const { operator, head, statusOf } = await scene(context, closedPaths);
    const running = startGateway(context, operator.file);
    await running.until(/the gateway is up/);
    writeFileSync(operator.file, head);
    running.child.kill("SIGHUP");
    await said(running, notApplied);
    assert.notEqual(await statusOf("/admin"), 200);
    assert.doesNotMatch(running.stderr(), /objects_removed/);
    running.child.kill();
  }
});

test("two gateways with different files on one store are told so, at the start and on a change", async (context) => {
  const store = (folder: string) =>
    `store: "sqlite:${join(folder, "common.db")}"\nsecret_key_file: "${join(folder, "common.key")}"\n`;
  const one = await scene(context, ["a", "b", "c"]);
  const other = await scene(context, ["a", "b", "d"]);
  const common = store(one.operator.folder);
  writeFileSync(one.operator.file, one.whole + common);
  writeFileSync(
    other.operator.file,
    other.whole.replace(other.upstream.origin, one.upstream.origin) + common,
  );

  const first = startGateway(context, one.operator.file);
  await first.until(/the gateway is up/);
  const second = startGateway(context, other.operator.file);
  const atStart = await said(
    second,
    "these objects in the store came from a different configuration file",
  );
  assert.deepEqual(atStart["objects"], ['application "Closed c"']);
  const overruled = await said(
    first,
    "another gateway on this store has a different configuration file",
  );
  assert.equal((overruled["objects"] as string[]).length, 2);

  // It says something else of an application that both have.
  const changed = one.whole.replace("a@example.com", "b@example.com");
  writeFileSync(one.operator.file, changed + common);
  await said(first, inForce);
  const inTurn = await said(
    second,
    "another gateway on this store has a different configuration file",
  );
  assert.match(String(inTurn["objects"]), /application "Closed a"/);
});
