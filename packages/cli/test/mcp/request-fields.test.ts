// The examples are those of MCP 2026-07-28, "Value Encoding".
import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldValue, standaloneFields, statedRevision } from "../../src/mcp/request-fields.ts";
import { ToolHeaders } from "../../src/mcp/tool-headers.ts";
import { type JsonRpcText, messageOf } from "./message-of.ts";

test("a value that no header can carry is encoded, and one that looks encoded as well", () => {
  const values: [text: string, encoded: string][] = [
    ["us-west1", "us-west1"],
    ["a b\tc", "a b\tc"],
    ["", ""],
    ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
    [" padded ", "=?base64?IHBhZGRlZCA=?="],
    ["line1\nline2", "=?base64?bGluZTEKbGluZTI=?="],
    ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
    ["x\r\nCf-Access-Token: y", "=?base64?eA0KQ2YtQWNjZXNzLVRva2VuOiB5?="],
  ];
  for (const [text, encoded] of values) assert.equal(fieldValue(text), encoded, text);
});

test("the name is repeated of what has one", () => {
  const fieldsOf = (message: JsonRpcText) => {
    const [part] = messageOf(message).parts;
    assert.ok(part !== undefined);
    return standaloneFields(part, "2026-07-28", new ToolHeaders());
  };
  const base = { "mcp-protocol-version": "2026-07-28" };
  const named: [method: string, params: Record<string, unknown>, name: string | undefined][] = [
    ["tools/call", { name: "get_weather" }, "get_weather"],
    ["prompts/get", { name: "greet" }, "greet"],
    ["resources/read", { uri: "file:///projects/a.json", name: "x" }, "file:///projects/a.json"],
    ["tools/list", { name: "x" }, undefined],
    ["tools/call", { name: 7 }, undefined],
    ["constructor", {}, undefined],
  ];
  for (const [method, params, name] of named) {
    const expected = { ...base, "mcp-method": method };
    const fields = name === undefined ? expected : { ...expected, "mcp-name": name };
    assert.deepEqual(fieldsOf({ id: 1, method, params }), fields, method);
  }
});

test("a request that states its revision stands alone, and no other does", () => {
  const key = "io.modelcontextprotocol/protocolVersion";
  const revisionOf = (params: unknown) =>
    statedRevision(messageOf({ id: 1, method: "x", params: params as Record<string, unknown> }));
  assert.equal(revisionOf({ _meta: { [key]: "2026-07-28" } }), "2026-07-28");
  for (const params of [undefined, {}, { _meta: {} }, { _meta: [] }, { _meta: { [key]: 1 } }])
    assert.equal(revisionOf(params), undefined);
  assert.equal(revisionOf({ _meta: { [key]: "2026\r\nx: y" } }), undefined);
});
