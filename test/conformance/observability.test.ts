// The files of examples/observability, as the tools that read them take them: Prometheus and its
// promtool from Debian.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/documents.ts";
import { needs } from "../support/requirements.ts";

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
