// The files of examples/observability, as the tools that read them take them: Prometheus and its
// promtool from Debian. What they ask for is what gateways say: each expression of an alert, and of
// a panel of the dashboard, finds series of a gateway that had something of everything to do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  openStream,
  startStreamingOrigin,
} from "../../packages/gateway/test/access/streaming-origin.ts";
import { ada, bob, startLoginFixture } from "../../packages/gateway/test/login/login-fixture.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { root } from "../support/documents.ts";
import { freePort, startGateway } from "../support/gateway.ts";
import { needsPostgresServer, startPostgres } from "../support/postgres.ts";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { rawRequest } from "../support/raw-request.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";
import { until } from "../support/until.ts";

const folder = join(root, "examples/observability");

function read(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
}

test("Prometheus takes the configuration and its alert rules", needs("promtool"), () => {
  promtool("check", "config", "prometheus.yml");
});

test("each alert fires on what it is for, and a quiet day fires none", needs("promtool"), () => {
  promtool("test", "rules", "alerts.test.yml");
  const tests = read("alerts.test.yml");
  const alerts = [...read("alerts.yml").matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  assert.ok(alerts.length > 20, String(alerts));
  for (const alert of alerts)
    assert.ok(tests.includes(`alertname="${alert}"`), `${alert} has a test`);
});

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
  annotations: { list: { expr: string }[] };
}

const dashboard = JSON.parse(read("dashboard.json")) as Dashboard;

/** What Grafana puts in the place of its variables. */
function filledIn(expression: string): string {
  return expression
    .replaceAll("$job", "postern")
    .replaceAll(/\$(instance|application)/g, ".*")
    .replaceAll("$__rate_interval", "1m");
}

/** Every selector of an expression: `name{labels}`. */
function selectorsOf(expression: string): string[] {
  return expression.match(/\b(?:up|(?:postern|process)_\w+)\b(?:\{[^}]*\})?/g) ?? [];
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const bobAlone = [{ name: "bob", decision: "allow", include: [{ email: { email: bob } }] }];

function applicationOf(name: string, policies: unknown): object {
  return { name, type: "self_hosted", domain: `${name}.localhost`, policies };
}

/** A collector that takes what it gets. */
async function startCollector(context: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A gateway with everything that is counted, its admin listener, and what makes it count. */
async function startBusyGateway(context: TestContext) {
  const [postgres, adminPort, nobody] = [
    await startPostgres(context),
    await freePort(),
    await freePort(),
  ];
  const origin = await startStreamingOrigin(context);
  let isBroken = false;
  const expires_at = new Date(Date.now() + 36e5).toISOString();
  const fixture = await startLoginFixture(context, {
    accounts: { ada: { email: ada, email_verified: true } },
    tamper: (path, body) => (isBroken && path === "/token" ? "{}" : body),
    sections: {
      store: postgres.url(),
      admin: { listen: `127.0.0.1:${adminPort}` },
      otlp: { endpoint: await startCollector(context) },
      applications: [
        applicationOf("app", everybody),
        applicationOf("bob", bobAlone),
        applicationOf("dead", everybody),
        applicationOf("streams", everybody),
      ],
      ingress: [
        { hostname: "dead.localhost", service: `http://127.0.0.1:${nobody}` },
        { hostname: "streams.localhost", service: origin.origin },
        { service: "http_status:404" },
      ],
      service_tokens: [
        { name: "ci", client_id: "ci", client_secret: "the long secret of ci", expires_at },
      ],
    },
  });
  const { parts, port, app } = fixture;
  return {
    target: `127.0.0.1:${adminPort}`,
    async beBusy() {
      const person = new Person();
      await person.open(app("app"));
      await person.press("Send me a code", { email: ada });
      await person.press("Sign in", { code: "000000" });
      const employee = new Person();
      await employee.open(app("app"));
      await employee.press("Example SSO");
      await employee.press("Continue", { account: "ada" });
      for (const name of ["bob", "dead", "app"]) await employee.open(app(name));
      isBroken = true;
      const unlucky = new Person();
      await unlucky.open(app("app"));
      await unlucky.press("Example SSO");
      await unlucky.press("Continue", { account: "ada" });
      assert.equal(unlucky.heading(), "Please start again");

      const session = await fixture.session("browser");
      const tokenLine = async (name: string) => {
        const { applicationByAud } = parts.catalogs.current();
        const application = applicationByAud.get(fixture.aud(name));
        assert.ok(application !== undefined);
        return `cf-access-token: ${await parts.tokens.issueApp(session, application, 36e5)}`;
      };
      await rawRequest(port, "GET / HTTP/1.1", ["Host: bob.localhost", await tokenLine("bob")]);
      const line = await tokenLine("streams");
      openStream(context, port, "/events/one", [line], "streams.localhost");
      await until(() => origin.open.has("/events/one"));
      await parts.sessions.end(session.id);
      await until(() => !origin.open.has("/events/one"));
    },
  };
}

/** A gateway with certificates. */
async function startTlsGateway(context: TestContext): Promise<string> {
  const adminPort = await freePort();
  const gateway = await startGateway({
    tls: [certificateFor(context, ["login.localhost"])],
    sections: {
      admin: { listen: `127.0.0.1:${adminPort}` },
      ingress: [{ service: "http_status:404" }],
    },
  });
  context.after(() => gateway.close());
  return `127.0.0.1:${adminPort}`;
}

/** Starts it with the files as they are, but other targets, and without the pauses. */
function startWatching(context: TestContext, targets: string[]): Promise<Prometheus> {
  const configuration = read("prometheus.yml")
    .replace("127.0.0.1:8601", targets.join(`", "`))
    .replaceAll(/_interval: 15s/g, "_interval: 1s")
    .replace("scrape_timeout: 10s", "scrape_timeout: 1s");
  return startPrometheus(context, {
    "prometheus.yml": configuration,
    "alerts.yml": read("alerts.yml"),
  });
}

const requirements = {
  ...needs("prometheus"),
  ...needsPostgresServer(),
};

test(
  "what alerts and dashboard ask for, Prometheus finds at gateways",
  requirements,
  async (context) => {
    const busy = await startBusyGateway(context);
    const prometheus = await startWatching(context, [busy.target, await startTlsGateway(context)]);
    const { query } = prometheus;
    await until(async () => (await query("up == 1")).length === 2);
    await busy.beBusy();
    await until(async () => (await query("increase(postern_streams_ended_total[1m])")).length > 0);

    const rules = await prometheus.rules();
    assert.ok(rules.length > 20, String(rules.length));
    for (const { query: expression, name } of rules) {
      await query(expression);
      for (const selector of selectorsOf(expression))
        assert.ok((await query(selector)).length > 0, `${name}: nothing is ${selector}`);
    }
    await until(async () =>
      (await prometheus.rules()).every(({ lastError }) => lastError === undefined),
    );

    const panels = dashboard.panels.filter(({ targets = [] }) => targets.length > 0);
    assert.ok(panels.length > 20, String(panels.length));
    for (const { title, targets = [] } of panels)
      for (const { expr } of targets)
        assert.ok(
          (await query(filledIn(expr))).length > 0,
          `${title}: nothing is ${filledIn(expr)}`,
        );
    for (const { expr } of dashboard.annotations.list) await query(filledIn(expr));
    for (const { name, definition = "" } of dashboard.templating.list.slice(1)) {
      const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      const found = await query(filledIn(selector));
      assert.ok(found.length > 0 && found.every(({ metric }) => label in metric), `$${name}`);
    }
  },
);

test(
  "every family that a gateway has is explained, and every one that is explained is there",
  needsPostgresServer(),
  async (context) => {
    const { target } = await startBusyGateway(context);
    const text = await (await fetch(`http://${target}/metrics`)).text();
    const families = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = ""]) => name);
    const document = readFileSync(join(root, "docs/observability.md"), "utf8");
    const [, section = ""] = /\n## Metrics\n(.*?)\n## /s.exec(document) ?? [];
    const explained = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/\w+/g) ?? [],
    );
    assert.deepEqual(families.toSorted(), explained.toSorted());
  },
);
