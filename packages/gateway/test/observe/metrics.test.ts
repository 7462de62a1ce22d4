// Metrics, as Prometheus reads them: in its format, of the whole gateway, within bounds, and with
// nothing secret in a label.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { prometheusText } from "../../src/observe/metrics/prometheus-text.ts";
import {
  Counter,
  Gauge,
  Histogram,
  mergeFamilies,
  withoutGauges,
} from "../../src/observe/metrics/registry.ts";
import { application, everybody, only, open } from "../access/access-fixture.ts";
import { startAdminFixture } from "../admin/admin-fixture.ts";
import { Person } from "../login/person.ts";

describe("the registry", () => {
  test("a histogram counts what is below each bound, and its sum", () => {
    const times = new Histogram({ name: "t", help: "Times.", labels: ["of"], bounds: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 3]) times.observe(value, "a");
    assert.equal(
      prometheusText([times.snapshot()]),
      [
        "# HELP t Times.",
        "# TYPE t histogram",
        't_bucket{of="a",le="0.1"} 2',
        't_bucket{of="a",le="1"} 3',
        't_bucket{of="a",le="+Inf"} 4',
        't_sum{of="a"} 3.65',
        't_count{of="a"} 4',
        "",
      ].join("\n"),
    );
  });

  test("a label is written so that nobody reads another one in it", () => {
    const counter = new Counter({ name: "c", help: "C.", labels: ["name"] });
    counter.add(1, 'quote" back\\slash\nline');
    assert.match(
      prometheusText([counter.snapshot()]),
      /c\{name="quote\\" back\\\\slash\\nline"\} 1/,
    );
  });

  test("names beyond the bound share one series, and nothing is lost of the sum", () => {
    const counter = new Counter({ name: "c", help: "C.", labels: ["name", "kind"] });
    for (let index = 0; index < 25_000; index++) counter.add(1, `name ${index}`, "x");
    counter.add(1, "name 7", "x");
    const { series } = counter.snapshot();
    assert.ok(series.length <= 10_001, `${series.length} series`);
    assert.equal(
      series.reduce((sum, { value }) => sum + value, 0),
      25_001,
    );
    assert.ok(series.some(({ labels }) => labels.every((label) => label === "(other)")));
  });

  test("what several processes counted is added, series by series", () => {
    const processes = [1, 2].map((count) => {
      const counter = new Counter({ name: "c", help: "C.", labels: ["of"] });
      counter.add(count, "both");
      counter.add(1, `only ${count}`);
      const times = new Histogram({ name: "t", help: "T.", bounds: [1] });
      times.observe(count);
      return [counter.snapshot(), times.snapshot()];
    });
    const text = prometheusText(mergeFamilies(processes));
    assert.match(text, /c\{of="both"\} 3\nc\{of="only 1"\} 1\nc\{of="only 2"\} 1/);
    assert.match(text, /t_bucket\{le="1"\} 1\nt_bucket\{le="\+Inf"\} 2\nt_sum 3\nt_count 2/);
    assert.equal(text.match(/# TYPE c counter/g)?.length, 1);
    const ends = [5, 3].map((time) => {
      const end = new Gauge({ name: "e", help: "E.", labels: ["of"], together: "least" });
      end.set(9, "a");
      end.set(time, "a");
      return [end.snapshot()];
    });
    assert.match(prometheusText(mergeFamilies(ends)), /e\{of="a"\} 3\n/);
    assert.equal(withoutGauges(mergeFamilies(processes)).length, 2);
  });
});

/** A line of the text format, as Prometheus takes it. */
const sample = /^[a-z_:][a-z0-9_:]*(?:\{[a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*\})? -?[\d.e+-]+$/;

const applications = [
  application("app", [everybody]),
  application("bob", [only("bob@example.com")]),
  application("open", [open]),
];

test("decisions, sign-ins, PINs, origins and the store are counted, without a token on this machine", async (context) => {
  const { gateway, ask } = await startAdminFixture(context, { applications });
  const person = new Person();
  await person.open(gateway.origin("app.localhost"));
  await person.press("Send me a code", { email: "ada@example.com" });
  const pin = gateway.pin("ada@example.com") ?? "";
  await person.press("Sign in", {
    code: pin.replace(/.$/, (last) => `${(Number(last) + 1) % 10}`),
  });
  await person.press("Sign in", { code: pin });
  assert.equal(person.page.status, 200);
  await rawRequest(gateway.port, "GET /?token=s3cret HTTP/1.1", ["Host: open.localhost"]);

  const answer = await ask("/metrics");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  for (const line of text.trimEnd().split("\n"))
    if (!line.startsWith("# ")) assert.match(line, sample);
  const expected = [
    'postern_decisions_total{application="app",outcome="allow"} 1',
    'postern_decisions_total{application="app",outcome="login"} 1',
    'postern_decisions_total{application="open",outcome="bypass"} 1',
    'postern_logins_total{provider="pin",outcome="failed"} 1',
    'postern_logins_total{provider="pin",outcome="allow"} 1',
    'postern_pins_total{result="sent"} 1',
    'postern_pins_total{result="wrong"} 1',
    'postern_origin_seconds_count{application="open"} 1',
    "postern_open_streams 0",
  ];
  for (const line of expected) assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
  assert.match(text, /postern_store_seconds_count\{part="sessions"\} [1-9]/);
  assert.match(text, /process_resident_memory_bytes \d+/);
  assert.doesNotMatch(text, /s3cret|ada@|eyJ/, "no label holds what a client chose (L19)");
});

test("what can be counted and never was is 0, and each step of the real path is said to work", async (context) => {
  const { ask } = await startAdminFixture(context, { applications });
  const text = await (await ask("/metrics")).text();
  const expected = [
    "postern_logouts_total 0",
    'postern_pins_total{result="mail_failed"} 0',
    'postern_housekeeping_total{task="sweep",result="failed"} 0',
    'postern_events_total{event="configuration_refused"} 0',
    'postern_access_log_rows_lost_total{reason="full"} 0',
    'postern_healthy{check="store"} 1',
    'postern_healthy{check="listener_1"} 1',
    "postern_store_unreachable 0",
  ];
  for (const line of expected) assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
});

test("whoever watches is told when service tokens and certificates end", async (context) => {
  const certificate = certificateFor(context, ["login.localhost"]);
  const hour = 3_600_000;
  const [soon, later] = [Date.now() + hour, Date.now() + 2 * hour];
  const tokenOf = (name: string, more: object) => ({
    name,
    client_id: name,
    client_secret: `long secret of ${name}`,
    ...more,
  });
  const { ask } = await startAdminFixture(context, {
    tls: { certificates: [certificate] },
    service_tokens: [
      tokenOf("later", { expires_at: new Date(later).toISOString() }),
      tokenOf("soon", { expires_at: new Date(soon).toISOString() }),
      tokenOf("never", {}),
      tokenOf("out", { expires_at: new Date(soon).toISOString(), enabled: false }),
    ],
  });
  const text = await (await ask("/metrics")).text();
  const series = text.split("\n").filter((line) => /^postern_\w+_expiry_timestamp/.test(line));
  const end = Date.parse(new X509Certificate(readFileSync(certificate.cert_file)).validTo);
  assert.deepEqual(series, [
    `postern_certificate_expiry_timestamp_seconds{file="${certificate.cert_file}"} ${end / 1_000}`,
    `postern_service_token_expiry_timestamp_seconds{service_token="soon"} ${soon / 1_000}`,
    `postern_service_token_expiry_timestamp_seconds{service_token="later"} ${later / 1_000}`,
  ]);
});

const ownPaths = [
  ...["/metrics", "/metrics/", "//metrics", "/metrics?name[]=postern_logins_total", "/%6detrics"],
  ...["/health/live", "/health/ready", "/healthz", "/healthz?verbose", "/livez", "/readyz"],
  ...["/debug", "/debug/pprof", "/debug/vars", "/debug/requests", "/server-status"],
  ...["/client/v4/openapi.json", "/client/v4/accounts", "/client/v4/user/tokens/verify"],
];

test("neither metrics nor health are on the public listener (O2)", async (context) => {
  const { gateway, upstream } = await startAdminFixture(context, { applications });
  for (const path of ownPaths)
    for (const host of ["app.localhost", "login.localhost", "nowhere.localhost", "127.0.0.1"])
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        const lines = [`Host: ${host}`, "Accept: text/html", "X-Forwarded-For: 127.0.0.1"];
        const head = `${method} ${path} HTTP/1.1`;
        const { status, body } = await rawRequest(gateway.port, head, lines);
        const what = `${method} ${host}${path}: ${status}`;
        assert.ok([302, 401, 403, 404, 405].includes(status), what);
        assert.doesNotMatch(body, /postern_|"live"|process_|"openapi"/, what);
      }
  assert.equal(upstream.requests.length, 0);
});

test("the admin listener has metrics and health under their names, and nothing to debug with (O2)", async (context) => {
  const { ask } = await startAdminFixture(context, { applications });
  const others = ownPaths.filter((path) => /debug|status|z|metrics\/|\/\/|%/.test(path));
  assert.ok(others.length > 8, String(others));
  for (const path of others) {
    const answer = await ask(path);
    assert.ok([401, 404].includes(answer.status), `${path}: ${answer.status}`);
    assert.doesNotMatch(await answer.text(), /postern_\w+_total|"live"/);
  }
  for (const method of ["POST", "PUT", "DELETE"])
    assert.equal((await ask("/metrics", { method })).status, 405);
});
