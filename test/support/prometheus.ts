// Debian's Prometheus for one test, with a configuration of the test's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { accepts } from "./accepts.ts";
import { freePort } from "./free-port.ts";

/** One series, as an instant query finds it. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface Prometheus {
  /** @throws {AssertionError} with the fault, when it is no query */
  query(expression: string): Promise<Sample[]>;
  /** the rules that it evaluates, and what is wrong with each */
  rules(): Promise<{ name: string; query: string; lastError: string | undefined }[]>;
}

/**
 * Starts one, and resolves when it listens.
 * @param files name → content; one is `prometheus.yml`
 */
export async function startPrometheus(
  context: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "postern-prometheus-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  context.after(async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  while (!(await accepts(port))) {
    assert.equal(child.exitCode, null, said);
    await pause(50);
  }
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    return (await answer.json()) as { status: string; error?: string; data: never };
  };
  return {
    async query(expression) {
      const { status, error, data } = await ask(
        `query?${new URLSearchParams({ query: expression })}`,
      );
      assert.equal(status, "success", `${expression}\n${error}`);
      const { result } = data as {
        result: { metric: Sample["metric"]; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async rules() {
      const { data } = await ask("rules");
      const { groups } = data as { groups: { rules: Awaited<ReturnType<Prometheus["rules"]>> }[] };
      return groups.flatMap(({ rules }) => rules);
    },
  };
}
