// `get-identity` for programs and for origins (wire-protocol 2 and 11).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  application,
  everybody,
  hour,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const path = "/cdn-cgi/access/get-identity";

test("an origin reads the identity with its assertion where its application allows that, and nothing else", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { origin_identity: true }),
    application("other", [everybody]),
  ]);
  const { tokens, sessions } = access.fixture.parts;
  const session = await access.fixture.session("browser");
  const assertionAt = async (name: string, query = "", lines: string[] = []) =>
    (await access.passed(`/v1/x${query}`, lines, { host: `${name}.localhost` })).header(
      "cf-access-jwt-assertion",
    ) ?? "";
  const header = async (name: string) => [
    `cf-access-token: ${await access.token(name, ada, session)}`,
  ];
  const own = await assertionAt("app", "", await header("app"));
  for (const lines of [[`cf-access-token: ${own}`], [`Cookie: CF_Authorization=${own}`]]) {
    const answer = await access.ask(path, lines);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).email, ada);
    const team = await access.ask(path, lines, { host: "login.localhost" });
    assert.equal(team.status, 401);
    assert.equal((await access.ask(path, lines, { host: "other.localhost" })).status, 401);
    const pass = JSON.stringify({ url_prefix: "http://app.localhost/v1/", ttl: 60 });
    const asked = { method: "POST", body: pass };
    const mint = [...lines, `Content-Length: ${pass.length}`, "Content-Type: application/json"];
    assert.equal((await access.ask("/cdn-cgi/access/pass", mint, asked)).status, 401);
  }
  await access.refused(401, "/", [`cf-access-token: ${own}`]);
  await access.refused(302, "/", [`Cookie: CF_Authorization=${own}`]);
  const other = await assertionAt("other", "", await header("other"));
  assert.equal(
    (await access.ask(path, [`cf-access-token: ${other}`], { host: "other.localhost" })).status,
    401,
    "not allowed there",
  );
  const app = access.application("app");
  const pass = (await tokens.issuePass(session, app, "http://app.localhost/v1/", hour)).token;
  const narrow = await assertionAt("app", `?token=${pass}`);
  assert.equal((await access.ask(path, [`cf-access-token: ${narrow}`])).status, 401, "a pass's");
  await sessions.end(session.id);
  assert.equal((await access.ask(path, [`cf-access-token: ${own}`])).status, 401, "ended");
});

test("a program asks who it is with its service token, and a bad one is not rescued", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const answer = await access.ask(path, robotPair);
  assert.equal(answer.status, 200);
  const { common_name, service_token_status, service_token_id, email } = JSON.parse(answer.body);
  assert.deepEqual([common_name, service_token_status, email], ["robot.access", true, ""]);
  assert.match(service_token_id, /./);
  const [id = "", secret = ""] = robotPair;
  const token = `cf-access-token: ${await access.token("app")}`;
  for (const lines of [
    [id],
    [secret],
    [id, "CF-Access-Client-Secret: wrong"],
    ["CF-Access-Client-Id: ", secret],
    [id, id, secret],
  ])
    assert.equal((await access.ask(path, [...lines, token])).status, 401, lines.join(" | "));
});

test("a program asks who it is in the header that an application of the host names", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { read_service_tokens_from_header: "X-Robot" }),
    application("app/hidden", [everybody], { read_service_tokens_from_header: "Authorization" }),
    application("other", [everybody]),
  ]);
  const [id = "", secret = ""] = robotPair.map((line) => line.slice(line.indexOf(": ") + 2));
  const pairOf = (clientId: string, clientSecret: string) =>
    JSON.stringify({ "cf-access-client-id": clientId, "cf-access-client-secret": clientSecret });
  const pair = pairOf(id, secret);
  const ask = (lines: readonly string[], host = "app.localhost") =>
    access.ask(path, lines, { host });
  for (const line of [`X-Robot: ${pair}`, `x-robot: ${pair}`, `Authorization: ${pair}`]) {
    const answer = await ask([line]);
    assert.equal(answer.status, 200, line);
    assert.equal(JSON.parse(answer.body).common_name, "robot.access");
    assert.equal((await ask([line], "other.localhost")).status, 401, "not named there");
  }
  const token = `cf-access-token: ${await access.token("app")}`;
  for (const lines of [
    [`X-Robot: ${pairOf(id, "wrong")}`],
    [`Authorization: ${pairOf("nobody", secret)}`],
    ["X-Robot: {}"],
    [`X-Robot: ${pair}`, `X-Robot: ${pair}`],
    [`X-Robot: ${pair}`, `Authorization: ${pair}`],
    [`X-Robot: ${pair}`, ...robotPair],
  ])
    assert.equal((await ask([...lines, token])).status, 401, lines.join(" | "));
  const own = await ask(["Authorization: Basic YTpi", token]);
  assert.equal(own.status, 200, "an application's own Authorization is not ours to read");
  assert.equal(JSON.parse(own.body).email, ada);
});
