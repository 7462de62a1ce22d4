// The check of citations passes over a tree whose citations lead somewhere, and names each that
// does not.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { check } from "./tree.ts";

const source = "packages/cli/src/main.ts";
const cases = "docs/cases.md";
const conformance = "test/conformance/README.md";

/** Documents to cite, and a test for them to name. */
const documents: Record<string, string> = {
  "docs/protocol.md": "# Protocol\n\n## 6. Terminal\n\n### 6.7 Mailboxes\n",
  "docs/access.md": "# Access\n\n### 3.1 Patterns\n",
  "docs/cli.md": "# Command line\n\n## Exit status\n",
  [cases]: `# Cases

## 2.1 Paths

### P3 Dots

- \`test/security/paths.test.ts\`
  - dots are
    resolved (P3)
  - \`a \${kind} of dots (P3)\`

### P4 Slashes

Not covered
yet.

### P5 More

Not covered yet.
`,
  "docs/adr/0004-one-path.md": "# 0004 One path\n",
  "test/security/paths.test.ts": `test("dots are resolved (P3)");\ntest(\`a \${kind} of dots (P3)\`);\n`,
};

function citations(context: TestContext, files: Record<string, string>) {
  return check(context, "check-citations", { ...documents, ...files });
}

test("citations that lead somewhere pass, in comments, names of tests and documents", (context) => {
  const result = citations(context, {
    [source]: `// wire-protocol 6 and
// 6.7, access-features 3.1 (ADR 0004, docs/adr/0004), security-cases 2.1 or P3
/**
 * The end of it (cases P3–P5, case
 * P4; cli.md, "Exit status"; docs/cli.md).
 */
case 4:
`,
    "packages/cli/test/a.test.ts":
      'test("P3 dots"); test("slashes (P4, P5)"); // not a list: (X)\n',
    "README.md": `# Read me

[cases](docs/cases.md#p3-dots) and [below](#read-me), \`docs/cli.md\`, \`packages/cli\`,
[elsewhere](https://example.com/none.md), \`[code](none.md)\`.

\`\`\`
[example](none.md)
\`\`\`
`,
    [conformance]: `# Conformance

| Requirement | Source | Test |
| --- | --- | --- |
| dots | 6.7, AF 3.1, ADR 0004 | \`test/security/paths\`, \`cli/a\` |
`,
  });
  assert.deepEqual(result, { status: 0, lines: [] });
});

test("a citation of a section, case or decision that is not there is named with its line", (context) => {
  const { status, lines } = citations(context, {
    [source]: `// wire-protocol 6.8
// cases P3 to P6, and access-features
// 9.5
const a = 1; // ADR 0005, docs/adr/0006
`,
    "packages/cli/test/a.test.ts": '\ntest("P9 dots");\ntest("slashes (H1, P3)");\n',
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    `${source}:1: wire-protocol 6.8: docs/protocol.md has no such section`,
    `${source}:2: access-features 9.5: docs/access.md has no such section`,
    `${source}:2: case P6: ${cases} has no such case`,
    `${source}:4: ADR 0005: docs/adr has no such decision`,
    `${source}:4: ADR 0006: docs/adr has no such decision`,
    `packages/cli/test/a.test.ts:2: case P9: ${cases} has no such case`,
    `packages/cli/test/a.test.ts:3: case H1: ${cases} has no such case`,
  ]);
});

test("a document, heading, file or link that is not there is named with its line", (context) => {
  const { status, lines } = citations(context, {
    [source]: '// pages.md\n// cli.md, "Files"\nconst help = "docs/none.md lists them";\n',
    "docs/more.md": "[a](none.md)\n[b](cli.md#files)\n[c](#here)\n`test/none.test.ts`\n",
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    "docs/more.md:1: none.md: there is no such document",
    "docs/more.md:1: none.md: the link leads to no file",
    "docs/more.md:2: cli.md#files: the link leads to no heading",
    "docs/more.md:3: #here: the link leads to no heading",
    "docs/more.md:4: test/none.test.ts: there is no such file",
    `${source}:1: pages.md: there is no such document`,
    `${source}:2: cli.md, "Files": it has no such heading`,
    `${source}:3: docs/none.md: there is no such file`,
  ]);
});

test("a case names tests that exist, or says that it is not covered yet", (context) => {
  const { status, lines } = citations(context, {
    [cases]: `### P3 Dots

- \`test/security/paths.test.ts\`
  - dots are kept (P3)
- \`test/security/none.test.ts\`
  - dots are resolved (P3)

### P4 Slashes

Nobody knows.
`,
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    `${cases}:4: case P3: test/security/paths.test.ts has no test "dots are kept (P3)"`,
    `${cases}:5: test/security/none.test.ts: there is no such file`,
    `${cases}:6: case P3: test/security/none.test.ts has no test "dots are resolved (P3)"`,
    `${cases}:8: case P4 names no test; name one, or say "not covered yet"`,
  ]);
});

test("a requirement of the conformance tables has a source and a test that exist", (context) => {
  const { status, lines } = citations(context, {
    [conformance]: "| dots | 6.9, ADR 0004 | `access/none`, `protocol/none` |\n",
  });
  assert.equal(status, 1);
  assert.deepEqual(lines, [
    `${conformance}:1: 6.9: docs/protocol.md has no such section`,
    `${conformance}:1: access/none: there is no such test`,
    `${conformance}:1: protocol/none: there is no such test`,
  ]);
});
