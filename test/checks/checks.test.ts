// Each check passes over a good tree and names what is wrong in a bad one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./tree.ts";

const main = "packages/cli/src/main.ts";
const words = "packages/cli/src/words.ts";

test("exports that are imported pass, by name, lazily, handed on or in a signature", (context) => {
  const result = check(context, "check-exports", {
    [main]: 'import { hello } from "./all.ts";\nhello((await import("./late.ts")).bye);\n',
    "packages/cli/src/all.ts": 'export * from "./words.ts";\n',
    [words]: "export interface Word {}\nexport function hello(word: Word) { word; }\n",
    "packages/cli/src/late.ts": "export const bye = {};\n",
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("an export that no file imports is named", (context) => {
  const { status, lines } = check(context, "check-exports", {
    [main]: 'const { hello } = await import("./words.ts");\nhello();\n',
    [words]:
      "export function hello() { const w: Word = 1; w; }\n" +
      "export type Word = number;\n" +
      "export const bye = 1;\n" +
      'export const text = `import { bye } from "./words.ts"`;\n',
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    `${words}:2: no other file imports Word; remove it, or its export`,
    `${words}:3: no other file imports bye; remove it, or its export`,
    `${words}:4: no other file imports text; remove it, or its export`,
  ]);
});

const library = JSON.stringify({
  name: "@postern/protocol",
  dependencies: { hono: "1" },
  devDependencies: { jose: "1" },
});
const bundle = JSON.stringify({ name: "postern", files: ["dist"], devDependencies: { open: "1" } });

test("packages that declare what they import pass", (context) => {
  const result = check(context, "check-dependencies", {
    "package.json": JSON.stringify({ devDependencies: { biome: "1", open: "1" } }),
    "test/a.test.ts": 'import "open";\nimport "node:fs";\n',
    "packages/protocol/package.json": library,
    "packages/protocol/src/index.ts": 'import { html } from "hono/html";\nhtml;\n',
    "packages/protocol/test/a.test.ts": 'import "jose";\n',
    "packages/cli/package.json": bundle,
    [main]: 'await import("open");\n',
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("imports that a package does not declare, or declares elsewhere, are named", (context) => {
  const { status, lines } = check(context, "check-dependencies", {
    "package.json": JSON.stringify({ devDependencies: { zod: "1" } }),
    "packages/protocol/package.json": library,
    "packages/protocol/src/index.ts": 'import "hono";\nimport "jose";\nimport "zod";\n',
    "packages/cli/package.json": bundle,
    [main]: "export {};\n",
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    "packages/protocol/src/index.ts:2: imports jose, which packages/protocol/package.json " +
      "declares for development alone; move it to dependencies",
    "packages/protocol/src/index.ts:3: imports zod, which packages/protocol/package.json " +
      "does not declare",
    "packages/cli/package.json: declares open, which the package does not import",
  ]);
});

test("what a bundle contains is not declared for installing as well", (context) => {
  const { status, lines } = check(context, "check-dependencies", {
    "packages/cli/package.json": JSON.stringify({ files: ["dist"], dependencies: { open: "1" } }),
    [main]: 'import "open";\n',
  });
  assert.equal(status, 1);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /main\.ts:1: imports open, .* move it to devDependencies$/);
});

test("comments of 100 characters pass, whatever their bytes, and code is not looked at", (context) => {
  const result = check(context, "check-width", {
    [words]:
      `// ${"é ".repeat(48)}x\n` +
      `// https://example.com/${"a".repeat(100)}\n` +
      `export const text = "${"// a ".repeat(40)}";\n`,
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("a comment over 100 columns is named with its line", (context) => {
  const { status, lines } = check(context, "check-width", {
    [words]: `export const a = 1;\n/**\n * ${"ab ".repeat(40)}\n */\n`,
    "scripts/some.mjs": `run(); // ${"ab ".repeat(40)}end\n`,
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    `${words}:3: a comment of 123 columns; break it at 100`,
    "scripts/some.mjs:1: a comment of 133 columns; break it at 100",
  ]);
});

const locked = { "node_modules/tool-linux-x64": {}, "packages/a/node_modules/b-linux-x64": {} };

test("a lockfile with all optional dependencies passes", (context) => {
  const result = check(context, "check-lockfile", {
    "package-lock.json": JSON.stringify({
      packages: {
        ...locked,
        "": { optionalDependencies: { "tool-linux-x64": "1" } },
        "packages/a": { optionalDependencies: { "b-linux-x64": "1" } },
      },
    }),
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("an optional dependency that is not locked is named", (context) => {
  const { status, lines } = check(context, "check-lockfile", {
    "package-lock.json": JSON.stringify({
      packages: { ...locked, "": { optionalDependencies: { "tool-linux-arm64": "1" } } },
    }),
  });
  assert.equal(status, 1);
  assert.match(lines.join("\n"), /\(root\) -> tool-linux-arm64\n/);
});
