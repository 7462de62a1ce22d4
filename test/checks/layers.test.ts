import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./tree.ts";

const model = "packages/gateway/src/model/model.ts";
const evaluate = "packages/gateway/src/policy/evaluate.ts";

test("code that imports downwards passes", (context) => {
  const result = check(context, "check-layers", {
    [model]: "export interface Policy {}\n",
    [evaluate]: 'import type { Policy } from "../model/model.ts";\nexport type P = Policy;\n',
    "packages/gateway/src/storage/sqlite.ts": 'import "node:sqlite";\nexport const open = 1;\n',
    "packages/gateway/src/gateway.ts": 'import { open } from "./storage/sqlite.ts";\nopen;\n',
    "packages/cli/src/net/client.ts": 'import "node:https";\n',
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("an import of a room above is named with its line and the reason", (context) => {
  const { status, lines } = check(context, "check-layers", {
    [model]: "export interface Policy {}\n",
    [evaluate]:
      '// first line\nimport type { Ask } from "../access/ask.ts";\nexport type P = Ask;\n',
    "packages/gateway/src/access/ask.ts": "export interface Ask {}\n",
  });
  assert.equal(status, 1);
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("scripts/layers.mjs")),
    [
      `${evaluate}:2: room gateway/policy may not import room gateway/access: ` +
        "Policy is pure: plain data and the time in, a decision out.",
    ],
  );
});

test("a lazy import and the type of an import are imports like any other", (context) => {
  const { lines } = check(context, "check-layers", {
    "packages/gateway/src/origin/pool.ts": "export const pool = 1;\n",
    "packages/gateway/src/tokens/issue.ts":
      'export const later = () => import("../origin/pool.ts");\n' +
      'export type Pool = import("../origin/pool.ts").Pool;\n',
  });
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /issue\.ts:1: room gateway\/tokens may not import .*\/origin: /);
  assert.match(lines[1] ?? "", /issue\.ts:2: room gateway\/tokens may not import .*\/origin: /);
});

test("rooms know the store by its types alone", (context) => {
  const { status, lines } = check(context, "check-layers", {
    "packages/gateway/src/storage/store.ts": "export interface Store {}\nexport const open = 1;\n",
    "packages/gateway/src/tokens/sessions.ts":
      'import type { Store } from "../storage/store.ts";\n' +
      'import { open } from "../storage/store.ts";\nexport const s: Store = { open };\n',
  });
  assert.equal(status, 1);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /sessions\.ts:2: .* may import only types of room gateway\/storage/);
});

for (const { file, specifier, sentence } of [
  { file: "gateway/src/tokens/a.ts", specifier: "kysely/migration", sentence: "Only storage/" },
  { file: "gateway/src/policy/a.ts", specifier: "node:fs", sentence: "are pure" },
  { file: "protocol/src/a.ts", specifier: "node:http", sentence: "What carries requests" },
  { file: "protocol/src/a.ts", specifier: "node:fs", sentence: "The protocol is pure" },
  { file: "cli/src/net/a.ts", specifier: "jose", sentence: "starts fast on Node 20" },
  { file: "cli/src/net/a.ts", specifier: "@postern/gateway", sentence: "starts without" },
]) {
  test(`${specifier} is refused in ${file}`, (context) => {
    const { status, lines } = check(context, "check-layers", {
      [`packages/${file}`]: `import "${specifier}";\n`,
    });
    assert.equal(status, 1);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", new RegExp(`^packages/${file}:1: .*${specifier}: .*${sentence}`));
  });
}

test("the environment is read at the program's entry alone", (context) => {
  const { status, lines } = check(context, "check-layers", {
    "packages/cli/src/main.ts": 'process.env["HOME"];\n',
    "packages/cli/src/net/proxy.ts": 'process.env["HTTPS_PROXY"];\n// process.env in words\n',
  });
  assert.equal(status, 1);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^packages\/cli\/src\/net\/proxy\.ts:1: .*process\.env: /);
});

test("files that import each other in a circle are named, types included", (context) => {
  const a = "packages/gateway/src/model/a.ts";
  const b = "packages/gateway/src/model/b.ts";
  const { status, lines } = check(context, "check-layers", {
    [a]: 'import type { B } from "./b.ts";\nexport type A = B;\n',
    [b]: 'import type { A } from "./a.ts";\nexport type B = A;\n',
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [`${b}:1: import cycle: ${a} → ${b} → ${a}`]);
});

test("a file that the table does not know is named", (context) => {
  const { status, lines } = check(context, "check-layers", {
    "packages/gateway/src/attic/old.ts": "export const old = 1;\n",
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, ["packages/gateway/src/attic/old.ts: has no row in scripts/layers.mjs"]);
});
