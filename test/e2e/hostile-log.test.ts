// The log and the access log of a gateway whose strangers write what they like (case O12): one JSON
// object a line, with nothing that a terminal obeys, and a record of each decision and of what
// administrators read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { freePort } from "../support/free-port.ts";
import { rawRequest } from "../support/raw-request.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { anOperator } from "./gateway-process-fixture.ts";
import { linesOf } from "./workers-fixture.ts";

const policyOf = (name: string, decision: string, rule: object) => [
  { name, decision, include: [rule] },
];
/** The last three are no path, and a 400. */
const hostile = [
  'x","event":"forged","level":60',
  "{}[]<>&'",
  "line%0d%0abreak",
  "%1b[2J%1b]0;title%07",
  "%c2%85%e2%80%a8%e2%80%ae",
];
const passing = 2;

test("O12 no path, agent or address makes a line of its own, and each decision and each reading by an administrator has one", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const adminPort = await freePort();
  const operator = await anOperator(context, {});
  const exportFile = join(operator.folder, "access.jsonl");
  const { port } = operator;
  operator.write({
    auth_domain: `login.localhost:${port}`,
    admin: { listen: `127.0.0.1:${adminPort}` },
    log: { requests: "decisions", export_file: exportFile, level: "debug" },
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    service_tokens: [
      { name: "robot", client_id: "robot", client_secret: "the long secret of robot" },
    ],
    applications: [
      {
        name: "Bob's",
        domain: "bob.localhost",
        policies: policyOf("bob", "allow", { email: { email: "bob@example.com" } }),
      },
      {
        name: "Open",
        domain: "open.localhost",
        policies: policyOf("open", "bypass", { everyone: {} }),
      },
      {
        name: "Robots",
        domain: "robots.localhost",
        policies: policyOf("robots", "non_identity", { any_valid_service_token: {} }),
      },
      {
        name: "Shut",
        domain: "shut.localhost",
        policies: policyOf("shut", "deny", { everyone: {} }),
      },
    ],
    ingress: [{ service: upstream.origin }],
  });
  const running = await operator.start();
  const pair = ["CF-Access-Client-Id: robot", "CF-Access-Client-Secret: the long secret of robot"];
  const credentials: Record<string, string[]> = {
    "bob.localhost": [],
    "open.localhost": [],
    "robots.localhost": pair,
    "shut.localhost": pair,
  };
  for (const [host, lines] of Object.entries(credentials))
    for (const text of hostile) {
      const agent = `User-Agent: ${text} \t"quoted" {"event":"forged"}`;
      const path = text.replaceAll(/["<>{}]/g, (each) => encodeURIComponent(each));
      await rawRequest(port, `GET /${path} HTTP/1.1`, [`Host: ${host}:${port}`, agent, ...lines]);
    }
  const person = new Person();
  await person.open(`http://bob.localhost:${port}/`);
  for (const email of [
    "a\r\nforged: 1@example.com",
    "\u001b[31mred@example.com",
    'q"@example.com',
  ]) {
    const { url, ...ask } = person.pressing("Send me a code", { email });
    await person.ask(url, ask);
  }
  for (const path of ["/client/v4/accounts", "/client/v4/%1b[2J", "/metrics"])
    await fetch(`http://127.0.0.1:${adminPort}${path}`, {
      headers: { authorization: "Bearer nobody's" },
    });

  const decided = () => readLines(exportFile).filter(({ Action }) => Action === "request");
  await until(() => decided().length > 4 * passing);
  const outcomes = Map.groupBy(decided(), ({ Outcome, AppName }) => `${AppName} ${Outcome}`);
  const counts = Object.fromEntries([...outcomes].map(([what, { length }]) => [what, length]));
  assert.deepEqual(counts, {
    "Bob's login": passing + 1,
    "Open bypass": passing,
    "Robots allow": passing,
    "Shut deny": passing,
  });
  running.child.kill("SIGTERM");
  await running.ended;
  const log = linesOf(running);
  const refused = log.filter(({ event, status }) => event === "error_page_shown" && status === 400);
  assert.equal(refused.length, 4 * (hostile.length - passing), "what is no path has its line, too");
  const agents = decided().map(({ UserAgent }) => String(UserAgent));
  assert.ok(
    agents.some((agent) => agent.includes('"forged"')),
    String(agents),
  );
  assert.ok(!log.some(({ event }) => event === "forged"));
  assert.ok(
    log.some(({ event }) => event === "admin_refused"),
    "who reads is written down",
  );
  for (const text of [running.stderr(), readFileSync(exportFile, "utf8")])
    for (const line of text.split("\n")) assert.doesNotMatch(line, /[\p{Cc}\p{Zl}\u202e]/u);
});

function readLines(file: string): Record<string, unknown>[] {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
