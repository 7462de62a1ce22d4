import assert from "node:assert/strict";
import { test } from "node:test";
import { insertIntoJson } from "../../src/agents/json-settings.ts";

const entry = {
  section: "mcpServers",
  name: "tools",
  value: { command: "/usr/bin/postern", args: ["access", "mcp", "https://tools.example.com/"] },
};
const written = `"tools": {
      "command": "/usr/bin/postern",
      "args": [
        "access",
        "mcp",
        "https://tools.example.com/"
      ]
    }`;

function inserted(text: string): string | undefined {
  const insertion = insertIntoJson(text, entry);
  assert.ok(insertion.ok, insertion.ok ? "" : insertion.why);
  return insertion.text;
}

test("settings that are not there are made, and an entry that stands there is left alone", () => {
  const made = inserted("") ?? "";
  assert.deepEqual(JSON.parse(made), { mcpServers: { tools: entry.value } });
  assert.equal(inserted(made), undefined);
  assert.equal(inserted(`// mine\n${made.replace("{", "{ /* x */")}`), undefined);
});

test("the rest of the file stays byte by byte: comments, order, layout and numbers", () => {
  const before = `// settings
{
  "big": 12345678901234567890, // exact
  "mcpServers": {
    "other": { "command": "x", "url": "http://a//b" } // mine
    /* and "more", */
  },
  "last": [1, {"a": "}"},],
}
`;
  const after = inserted(before) ?? "";
  const [head = "", tail = ""] = after.split(written);
  assert.equal(
    head.replace('"http://a//b" },', '"http://a//b" }').trimEnd() + tail,
    before.replace(/\n {2}\},\n {2}"last"/, '\n  },\n  "last"'),
  );
  assert.match(head, /"http:\/\/a\/\/b" \}, \/\/ mine\n {4}\/\* and "more", \*\/\n {4}$/);
  assert.equal(inserted(after), undefined);
});

test("an entry goes into settings of any shape that has room for it", () => {
  const shapes = [
    "{}",
    "{ }\n",
    '{"a":1}',
    '{"a":1,}',
    '{"mcpServers":{}}',
    '{\n\t"mcpServers": {\n\t}\n}\n',
    '{\r\n  "mcpServers": {\r\n    "b": {},\r\n  }\r\n}\r\n',
    '{"mcpServers":{"b":{"c":[{"d":"\\"}"}]}},"z":null}',
    '{"a\\u0022b":true,"mcpServers":{"x":-1.5e3} /* c */ , // d\n}',
  ];
  for (const shape of shapes) {
    const after = inserted(shape) ?? "";
    assert.equal(inserted(after), undefined, after);
    for (const line of after.split("\n").slice(0, -1))
      assert.equal(line.endsWith("\r"), shape.includes("\r\n"), JSON.stringify(after));
  }
  assert.match(inserted('{\n\t"a": 1\n}') ?? "", /^\{\n\t"a": 1,\n\t"mcpServers": \{\n\t\t"tools"/);
});

test("what a program cannot change without harm is refused, with the reason", () => {
  const refused: [text: string, why: RegExp][] = [
    ["{", /is not JSON/],
    ["[]", /is not JSON/],
    ["mcpServers: {}", /is not JSON/],
    ["{'mcpServers': {}}", /is not JSON/],
    ['{"mcpServers": []}', /is no object/],
    ['{"mcpServers": null}', /is no object|unusual/],
    ['{"mcpServers": {"tools": {"command": "else"}}}', /another "tools" already/],
    ['{"mcpServers": {"tools": {}}}', /another "tools" already/],
  ];
  for (const [text, why] of refused) {
    const insertion = insertIntoJson(text, entry);
    assert.ok(!insertion.ok, text);
    assert.match(insertion.why, why, text);
  }
});
