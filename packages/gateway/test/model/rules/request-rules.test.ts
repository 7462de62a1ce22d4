// Rules about what is asked for: "read-only" as a policy. Each request is judged by itself; a
// sign-in lets in whoever may ask for something.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Match, RequestLine } from "../../../src/model/rules/rule.ts";
import { ada, application, bob, startAccessFixture } from "../../access/access-fixture.ts";
import { complaints, loadText, withLines } from "../../config/written-file.ts";
import { compilerOf, subjectOf } from "../../policy/subjects.ts";
import { identityOf } from "../../tokens/token-fixture.ts";

const adas = { email: { email: ada } };
const everyone = { everyone: {} };
const readers = {
  name: "readers",
  decision: "allow",
  include: [everyone],
  require: [{ method: { method: "GET" } }],
};
const writers = { name: "writers", decision: "allow", include: [adas] };

test("one person may read and another may write, with the same token for every request", async (context) => {
  const access = await startAccessFixture(context, [application("app", [readers, writers])]);
  const bobs = [`Cf-Access-Token: ${await access.token("app", bob)}`];
  const own = [`Cf-Access-Token: ${await access.token("app", ada)}`];
  for (let round = 0; round < 2; round++) {
    await access.passed("/", bobs);
    await access.passed("/", bobs, { method: "HEAD" });
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
      await access.refused(403, "/", bobs, { method });
    for (const method of ["GET", "POST", "DELETE"]) await access.passed("/", own, { method });
  }
});

test("an excluded method is refused, and what could override it never reaches the origin", async (context) => {
  const careful = {
    name: "no deletion",
    decision: "allow",
    include: [everyone],
    exclude: [{ method: { method: ["DELETE", "PUT"] } }],
  };
  const access = await startAccessFixture(context, [application("app", [careful])]);
  const lines = [`Cf-Access-Token: ${await access.token("app", ada)}`];
  await access.refused(403, "/", lines, { method: "DELETE" });
  const seen = await access.passed("/", [...lines, "X-HTTP-Method-Override: DELETE"], {
    method: "POST",
  });
  assert.equal(seen.header("x-http-method-override"), undefined);
});

test("a path opens what lies below it, and no spelling of another path opens more", async (context) => {
  const reports = {
    name: "reports",
    decision: "allow",
    include: [everyone],
    require: [{ path: { path: ["/v1/reports", "/v1/*/summary"] } }],
  };
  const access = await startAccessFixture(context, [application("app", [reports])]);
  const lines = [`Cf-Access-Token: ${await access.token("app", ada)}`];
  for (const path of ["/v1/reports", "/v1/reports/7", "/v1/%72eports", "/v1/orders/summary?x=1"])
    await access.passed(path, lines);
  for (const path of [
    "/",
    "/v1",
    "/v1/reports2",
    "/v1/reports/../orders",
    "/V1/reports",
    "/v1/reports;x/7",
    "/v1/reports/..;/orders",
  ])
    await access.refused(403, path, lines);
});

test("an excluded path is refused in every spelling that an origin may take for it", async (context) => {
  const outside = {
    name: "not the administration",
    decision: "allow",
    include: [everyone],
    exclude: [{ path: { path: "/admin" } }],
  };
  const access = await startAccessFixture(context, [application("app", [outside])]);
  const lines = [`Cf-Access-Token: ${await access.token("app", ada)}`];
  await access.passed("/administrators", lines);
  for (const path of ["/admin", "/admin/", "/ADMIN", "/%61dmin/x", "/admin;v=1", "/x;/../admin"])
    await access.refused(403, path, lines);
});

test("a stranger is asked to sign in only for what a sign-in may open", async (context) => {
  const access = await startAccessFixture(context, [application("app", [readers])]);
  const answer = await access.refused(302, "/");
  assert.match(answer.headers["location"] ?? "", /\/cdn-cgi\/access\/login\//);
  await access.refused(403, "/", [], { method: "POST" });
});

test("whoever signs in is let in where a request may be allowed, and denied where none can be", () => {
  const rules = compilerOf().compile({
    id: "p",
    name: "p",
    decision: "allow",
    include: [adas],
    require: [{ method: { method: "GET" } }],
    exclude: [{ path: { path: "/admin" } }],
  });
  const answers = (request: RequestLine | "awaited" | "none") =>
    rules.matches(subjectOf({ kind: "person", identity: identityOf(ada) }, { request }));
  assert.equal(answers("awaited"), "pending" satisfies Match);
  assert.equal(answers("none"), "unknown" satisfies Match);
  assert.equal(answers({ method: "GET", path: "/x" }), "yes" satisfies Match);
  assert.equal(answers({ method: "GET", path: "/admin" }), "no" satisfies Match);
});

const heard = (text: string) => complaints(() => loadText(text)).join("\n");

test("what is wrong with a method or a path is said with its place", () => {
  const rule = (text: string) =>
    withLines(
      `applications: [{name: a, domain: a.test, policies: [{name: p, decision: allow, include: [{email: {email: a@b.c}}], require: [${text}]}]}]`,
    ).text;
  assert.match(heard(rule("{method: {method: G T}}")), /is not a method; write it like GET/);
  assert.match(heard(rule("{method: {method: []}}")), /is an empty list/);
  assert.match(heard(rule("{path: {path: reports}}")), /does not begin with a slash/);
  assert.match(heard(rule("{path: {path: /a/../b}}")), /dot segment/);
  assert.match(heard(rule("{path: {path: /a/**}}")), /two wildcards/);
  assert.deepEqual(loadText(rule("{method: {method: get}}")).warnings, []);
});
