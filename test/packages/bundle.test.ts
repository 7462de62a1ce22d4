// How the gateway's source is bundled, shown with a small program in its place.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { bundleGateway } from "../../scripts/bundle-gateway.mjs";

const entries = ["main.ts"];

function sourceOf(context: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "postern-bundle-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const main = `import { ask } from "./storage/ask.ts";
console.log(await ask("rooms"));
`;
const ask = `import { Worker } from "node:worker_threads";
export function ask(question: string): Promise<string> {
  const thread = new Worker(new URL("./answer-worker.ts", import.meta.url), { workerData: question });
  return new Promise((resolve) => thread.once("message", resolve));
}
`;
const answerWorker = `import { parentPort, workerData } from "node:worker_threads";
import { praise } from "../praise.ts";
const question: string = workerData;
parentPort?.postMessage(praise(question));
`;
const praise = `export const praise = (thing: string): string => \`many \${thing}\`;\n`;

test("a worker thread runs from the source, and from the bundle after the source is gone", async (context) => {
  const root = sourceOf(context, {
    "package.json": '{ "type": "module" }\n',
    "src/main.ts": main,
    "src/praise.ts": praise,
    "src/storage/ask.ts": ask,
    "src/storage/answer-worker.ts": answerWorker,
  });
  const run = (file: string) =>
    execFileSync(process.execPath, [join(root, file)], { encoding: "utf8" });
  assert.equal(run("src/main.ts"), "many rooms\n");

  await bundleGateway({ root, source: "src", entries, target: "dist" });
  rmSync(join(root, "src"), { recursive: true });
  assert.equal(run("dist/main.js"), "many rooms\n");
});

test("a worker that does not exist, and two of one name, fail the build", async (context) => {
  const missing = sourceOf(context, { "src/main.ts": main, "src/storage/ask.ts": ask });
  await assert.rejects(
    bundleGateway({ root: missing, source: "src", entries, target: "dist", logLevel: "silent" }),
    /there is no answer-worker\.ts/,
  );
  const twice = sourceOf(context, {
    "src/main.ts": "",
    "src/a/answer-worker.ts": answerWorker,
    "src/b/answer-worker.ts": answerWorker,
  });
  await assert.rejects(
    bundleGateway({ root: twice, source: "src", entries, target: "dist" }),
    /two workers have one name: answer-worker, answer-worker/,
  );
});

test("what the bundle would not carry fails the build", async (context) => {
  const root = sourceOf(context, {
    "src/main.ts": 'console.log(new URL("./page.html", import.meta.url));\n',
  });
  await assert.rejects(
    bundleGateway({ root, source: "src", entries, target: "dist", logLevel: "silent" }),
    /main\.ts: .*import\.meta/,
  );
});
