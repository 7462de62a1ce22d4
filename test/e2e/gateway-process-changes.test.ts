// What an operator edits while people work: it takes effect without a restart, whatever the editor
// does with the file, and nobody's open connection notices.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  askUntil,
  certificate,
  host,
  type Operator,
  open,
  openTo,
  type Sections,
  said,
  startGateway,
} from "./gateway-process-fixture.ts";

const inForce = "the changed configuration is in effect";
const notApplied = "the changed configuration was not applied; the previous one stays in effect";

async function scene(context: TestContext) {
  const tls = certificate(context);
  const operator = await anOperator(context, { tls: { certificates: [tls] } });
  const question = {
    port: operator.port,
    ca: tls.ca,
    servername: host,
    headers: { Host: `${host}:${operator.port}` },
  };
  const status = async () => (await ask(question)).status;
  return { operator, question, status };
}

const answering = (status: number) => openTo(`http_status:${status}`);

test("a changed file is in force without a restart, however often and however it is written", async (context) => {
  const { operator, status } = await scene(context);
  operator.write(answering(201));
  const running = await operator.start();
  assert.equal(await status(), 201);
  const ways: (keyof Pick<Operator, "write" | "replace">)[] = [
    "replace",
    "write",
    "replace",
    "replace",
    "write",
  ];
  for (const [index, way] of ways.entries()) {
    operator[way](answering(202 + index));
    await askUntil(status, (found) => found === 202 + index);
    await said(running, inForce, index + 1);
  }
});

test("an answer that streams goes on over a change that lets nobody else in", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const streaming = Promise.withResolvers<ServerResponse>();
  // A download; an event stream would end with the access of whoever asked for it (ADR 0016).
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    response.write("before\n");
    streaming.resolve(response);
  });
  const { operator, question, status } = await scene(context);
  operator.write(openTo(upstream.origin));
  const running = await operator.start();

  const answer = await open(question);
  answer.setEncoding("utf8");
  // The end may come with the last piece.
  const ended = once(answer, "end");
  assert.deepEqual(await once(answer, "data"), ["before\n"]);
  operator.replace(openTo(upstream.origin, "other.example.test"));
  await said(running, inForce);
  assert.notEqual(await status(), 200);
  assert.equal(upstream.requests.length, 1, "the origin saw nobody else");

  const origin = await streaming.promise;
  origin.write("after\n");
  assert.deepEqual(await once(answer, "data"), ["after\n"]);
  origin.end("end\n");
  assert.deepEqual(await once(answer, "data"), ["end\n"]);
  await ended;
});

test("SIGHUP reads everything again, files that the configuration names included", async (context) => {
  const { operator, status } = await scene(context);
  const named = join(operator.folder, "elsewhere");
  mkdirSync(named);
  writeFileSync(join(named, "status"), "201\n");
  operator.write(openTo(["http_status:$", "{file:elsewhere/status}"].join("")));
  const running = await operator.start();
  assert.equal(await status(), 201);
  writeFileSync(join(named, "status"), "202\n");
  running.child.kill("SIGHUP");
  await said(running, inForce);
  assert.equal(await status(), 202);
});

test("a file with mistakes changes nothing, the log has each of them with its line, and mending it is enough", async (context) => {
  const { operator, status } = await scene(context);
  operator.write(answering(201));
  const running = await operator.start();
  operator.replace({ ...answering(202), surprise: 1, log: { level: "loud" } });
  const { problems } = (await said(running, notApplied)) as { problems: string[] };
  for (const problem of problems) assert.match(problem, /^\/.*\/postern\.yaml:\d+: /);
  assert.deepEqual(
    problems.map((problem) => problem.slice(operator.file.length).replace(/^:\d+: /, "")),
    [
      "surprise: unknown field; remove it, or correct its name",
      "log.level: must be one of debug, info, warn, error, silent",
    ],
  );
  assert.equal(await status(), 201);

  writeFileSync(operator.file, "listen: [");
  await said(running, notApplied, 2);
  assert.equal(await status(), 201);
  operator.replace(answering(203));
  await said(running, inForce);
  assert.equal(await status(), 203);
});

test("an operator who changes what is read at the start only is told so", async (context) => {
  const { operator, status } = await scene(context);
  operator.write(answering(201));
  const running = await operator.start();
  operator.write({
    ...answering(202),
    trusted_proxies: ["192.0.2.1"],
    limits: { header_bytes: 8192 },
  });
  const { fields } = await said(running, "these fields take effect when the gateway is restarted");
  assert.deepEqual(fields, ["trusted_proxies", "limits"]);
  assert.equal(await status(), 202, "the rest is in force");
});

test("a file behind a link is followed when it is edited where it lies", async (context) => {
  const { operator, status } = await scene(context);
  operator.write(answering(201));
  const link = join(operator.folder, "linked", "postern.yaml");
  mkdirSync(dirname(link));
  symlinkSync(operator.file, link);
  const running = startGateway(context, link);
  await running.until(/the gateway is up/);
  operator.replace(answering(202));
  await said(running, inForce);
  assert.equal(await status(), 202);
});

test("a file in a mounted ConfigMap is followed when Kubernetes switches the folder under it", async (context) => {
  const { operator, status } = await scene(context);
  const mounted = join(operator.folder, "mounted");
  const putVersion = (version: string, sections: Sections) => {
    mkdirSync(join(mounted, version), { recursive: true });
    operator.write(sections);
    renameSync(operator.file, join(mounted, version, "postern.yaml"));
    symlinkSync(version, join(mounted, "..data_tmp"));
    renameSync(join(mounted, "..data_tmp"), join(mounted, "..data"));
  };
  putVersion("..2026_1", answering(201));
  symlinkSync("..data/postern.yaml", join(mounted, "postern.yaml"));
  const running = startGateway(context, join(mounted, "postern.yaml"));
  await running.until(/the gateway is up/);
  for (const [index, version] of ["..2026_2", "..2026_3"].entries()) {
    putVersion(version, answering(202 + index));
    await askUntil(status, (found) => found === 202 + index);
  }
});
