// What `@postern/gateway` declares to the command line, and what it has.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const folder = join(import.meta.dirname, "..");

test("every function that the gateway's package declares can be called, and none is left undeclared", async () => {
  const declarations = readFileSync(join(folder, "index.d.ts"), "utf8");
  const declared = [...declarations.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
  const actual: Record<string, unknown> = await import(`${folder}/index.js`);
  const functions = Object.keys(actual).filter((name) => typeof actual[name] === "function");
  assert.deepEqual(functions.toSorted(), declared.toSorted());
});
