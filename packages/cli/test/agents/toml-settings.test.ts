import assert from "node:assert/strict";
import { test } from "node:test";
import { insertIntoToml } from "../../src/agents/toml-settings.ts";

const entry = {
  section: "mcp_servers",
  name: "tools",
  value: { command: 'C:\\Program "Files"\\node', args: ["a b", "ä"], env: { POSTERN_HOME: "/h" } },
};
const block = `[mcp_servers.tools]
command = "C:\\\\Program \\"Files\\"\\\\node"
args = ["a b", "ä"]
env = { POSTERN_HOME = "/h" }
`;

function inserted(text: string): string | undefined {
  const insertion = insertIntoToml(text, entry);
  assert.ok(insertion.ok, insertion.ok ? "" : insertion.why);
  return insertion.text;
}

test("a table of its own goes to the end, and what is there stays", () => {
  assert.equal(inserted(""), block);
  const before = '# mine\nmodel = "x" # y\n\n[mcp_servers.other]\ncommand = "tools"';
  assert.equal(inserted(before), `${before}\n\n${block}`);
  assert.equal(inserted(`${before}\n\n${block}\n[tui]\n`), undefined);
  const windows = 'model = "x"\r\n';
  assert.equal(inserted(windows), `${windows}\r\n${block.replaceAll("\n", "\r\n")}`);
  assert.equal(inserted(inserted(windows) ?? ""), undefined);
});

test("a name that is taken, and a section in one line, are left to their author", () => {
  const taken = [
    '[mcp_servers.tools]\ncommand = "x"\n',
    '[ mcp_servers . "tools" ]\n',
    "[mcp_servers.'tools'.env]\nA = 1\n",
    '[mcp_servers]\nother = {}\ntools = { command = "x" }\n',
    '[mcp_servers]\ntools.command = "x"\n',
  ];
  for (const text of taken) {
    const insertion = insertIntoToml(text, entry);
    assert.ok(!insertion.ok && /another "tools"/.test(insertion.why), text);
  }
  for (const text of ["mcp_servers = {}\n", 'x = 1\nmcp_servers.tools.command = "x"\n[t]\n']) {
    const insertion = insertIntoToml(text, entry);
    assert.ok(!insertion.ok && /one line/.test(insertion.why), text);
  }
  assert.ok(insertIntoToml("[mcp_servers.tools2]\n[x]\ntools = 1\n", entry).ok);
});
