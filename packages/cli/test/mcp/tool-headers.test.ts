// MCP 2026-07-28, "Custom Headers from Tool Parameters".
import assert from "node:assert/strict";
import { test } from "node:test";
import { ToolHeaders } from "../../src/mcp/tool-headers.ts";

const header = (name: unknown, type = "string") => ({ type, "x-mcp-header": name });

function learnt(properties: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const tools = new ToolHeaders();
  const inputSchema = { type: "object", properties, ...more };
  const refused = tools.learn({ tools: [{ name: "t", inputSchema }] });
  return { tools, reasons: refused.map(({ reason }) => reason) };
}

test("an annotated argument is repeated in a header, by the path to it, where there is one", () => {
  const { tools, reasons } = learnt({
    region: header("Region"),
    deep: { type: "object", properties: { count: header("Count", "integer") } },
    flag: header("Flag", "boolean"),
    other: { type: "string" },
  });
  assert.deepEqual(reasons, []);
  const call = (values: unknown) => tools.fieldsFor({ name: "t", arguments: values });
  assert.deepEqual(call({ region: "eu", deep: { count: -7 }, flag: false, other: "x" }), {
    "mcp-param-region": "eu",
    "mcp-param-count": "-7",
    "mcp-param-flag": "false",
  });
  assert.deepEqual(call({ region: null, deep: 7, flag: undefined }), {});
  assert.deepEqual(call({ deep: { count: 2 ** 60 } }), {});
  assert.deepEqual(call(undefined), {});
  assert.deepEqual(tools.fieldsFor({ name: "unknown", arguments: { region: "eu" } }), {});
  assert.deepEqual(tools.fieldsFor({ name: "__proto__" }), {});
});

test("an annotation that breaks the rules takes its tool out of the list", () => {
  const broken: [properties: Record<string, unknown>, more?: Record<string, unknown>][] = [
    [{ a: header("") }],
    [{ a: header("two words") }],
    [{ a: header("a\r\nb") }],
    [{ a: header(7) }],
    [{ a: header("A", "number") }],
    [{ a: header("A", "object") }],
    [{ a: header("Same"), b: header("same") }],
    [{ a: { type: "array", items: header("A") } }],
    [{ a: { oneOf: [header("A")] } }],
    [{}, { $defs: { x: header("A") } }],
    [{}, { "x-mcp-header": "A" }],
  ];
  for (const [properties, more] of broken) {
    const { tools, reasons } = learnt(properties, more);
    assert.equal(reasons.length, 1, JSON.stringify(properties));
    assert.deepEqual(tools.fieldsFor({ name: "t", arguments: { a: "x" } }), {});
  }
});

test("what is no list of tools teaches nothing", () => {
  const tools = new ToolHeaders();
  for (const result of [undefined, null, {}, { tools: {} }, { tools: [7, null, {}, { name: 7 }] }])
    assert.deepEqual(tools.learn(result), []);
});
