// Every block of README and docs/ is what it says: YAML loads, JSON and JavaScript parse, and
// commands are run, by test/e2e/documents.test.ts or by the test that a mark names. What cannot be
// run here says so:
//
//   <!-- run by: test/packages/install.test.ts -->
//   <!-- untried: needs a container engine -->
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigError, loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import { withLines } from "../../packages/gateway/test/config/written-file.ts";
import { type Block, documentBlocks, documents, root } from "../support/documents.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";

const blocks = documentBlocks();

test("every block of the documents says what it is", () => {
  const languages = new Set([
    "yaml",
    "json",
    "sh",
    "sql",
    "js",
    "text",
    "nginx",
    "haproxy",
    "caddy",
    "apache",
  ]);
  const strangers = blocks.filter(({ language }) => !languages.has(language));
  assert.deepEqual(strangers.map(placeOf), []);
});

test("what is marked as untried has a reason, and what another test runs names it", (context) => {
  for (const block of blocks) {
    if (block.mark === undefined) continue;
    const { kind, text } = block.mark;
    if (kind === "untried") assert.ok(text.length > 10, placeOf(block));
    if (kind === "run by") assert.ok(existsSync(join(root, text)), `${placeOf(block)}: ${text}`);
  }
  const untried = blocks.filter(({ mark }) => mark?.kind === "untried");
  const elsewhere = blocks.filter(({ mark }) => mark?.kind === "run by");
  context.diagnostic(
    `${blocks.length} blocks: ${elsewhere.length} run by other tests, ${untried.length} untried`,
  );
  for (const block of untried)
    context.diagnostic(`untried: ${placeOf(block)}: ${block.mark?.text}`);
});

test(
  "every YAML of the documents is a configuration, or a piece of one",
  needs("openssl"),
  (context) => {
    const folder = temporaryFolder(context);
    const certificate = certificateFor(context, ["login.example.com", "api.example.com"]);
    writeFileSync(join(folder, "secret"), "a secret");
    const pieces = blocks.filter(({ language, mark }) => language === "yaml" && mark === undefined);
    assert.ok(pieces.length > 20);
    for (const block of pieces) {
      const text = withFiles(block.text, { ...certificate, secret: join(folder, "secret") });
      const isWhole = /^auth_domain:/m.test(text) && /^applications:/m.test(text);
      const environment = Object.fromEntries(
        [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name = ""]) => [name, "value"]),
      );
      const source = { text: isWhole ? text : withLines(text).text, environment };
      try {
        loadConfig({ ...source, file: join(folder, "postern.yaml") });
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        assert.fail(`${placeOf(block)}: ${error.message}`);
      }
    }
  },
);

test("every JSON of the documents can be parsed", () => {
  for (const block of blocks.filter(({ language }) => language === "json"))
    assert.doesNotThrow(() => JSON.parse(block.text), placeOf(block));
});

test("every JavaScript of the documents can be parsed", (context) => {
  const programs = blocks.filter(({ language }) => language === "js");
  assert.ok(programs.length > 0);
  const folder = temporaryFolder(context);
  for (const block of programs) {
    const isModule = /^import /m.test(block.text);
    const file = join(folder, isModule ? "program.mjs" : "program.cjs");
    writeFileSync(file, block.text);
    const { status, stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
    assert.equal(status, 0, `${placeOf(block)}: ${stderr}`);
  }
});

test("every document that is linked from README or docs/ is there", () => {
  for (const document of documents()) {
    const text = readFileSync(join(root, document), "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(document), target)), `${document}: ${target}`);
    }
  }
});

test("each page about a message has the words that the program says, and is in the list", () => {
  const list = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
  const source = sourceText();
  const pages = documents().filter((document) => document.startsWith("docs/messages/"));
  assert.ok(pages.length >= 20);
  for (const page of pages) {
    const [heading = ""] = readFileSync(join(root, page), "utf8").split("\n");
    const message = heading.replace(/^# /, "");
    for (const words of message.split("…").map((part) => part.trim()))
      assert.ok(source.includes(words), `${page}: nothing says "${words}"`);
    assert.ok(list.includes(`[${message}](${page.replace("docs/", "")})`), page);
  }
});

test("the systemd unit has no fault", leaveOut(hasSystemd() ? undefined : "systemd"), (context) => {
  const folder = temporaryFolder(context);
  const unit = readFileSync(join(root, "examples/service/postern.service"), "utf8");
  const file = join(folder, "postern.service");
  // The program is not installed here; another one stands in for it.
  writeFileSync(file, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("the container file names steps, packages and files that are there", () => {
  const file = readFileSync(join(root, "examples/service/Containerfile"), "utf8");
  const steps = file.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const step of steps)
    assert.match(step, /^(FROM|WORKDIR|COPY|RUN|USER|VOLUME|EXPOSE|ENTRYPOINT|CMD) \S/);
  const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
  assert.ok(file.includes(`/packages/postern-${version}.tgz`));
  assert.ok(file.includes(`/packages/postern-gateway-${version}.tgz`));
  const install = documentBlocks().find(({ text }) => text.includes("npm pack"));
  for (const command of ["npm ci", "npm pack -w packages/cli -w packages/gateway"])
    assert.ok(file.includes(command) && install?.text.includes(command), command);
});

function placeOf({ document, line }: Block): string {
  return `${document}:${line}`;
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-documents-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Files {
  cert_file: string;
  key_file: string;
  secret: string;
}

/** The text with other files: of a certificate, of its key, and what `${file:…}` names. */
function withFiles(text: string, files: Files): string {
  return text
    .replaceAll(/\bcert_file: [^,}\s]+/g, `cert_file: ${files.cert_file}`)
    .replaceAll(/\bcaPool: [^,}\s]+/g, `caPool: ${files.cert_file}`)
    .replaceAll(/\bkey_file: [^,}\s]+(?=[,}])/g, `key_file: ${files.key_file}`)
    .replaceAll(/\$\{file:[^}]+\}/g, `\${file:${files.secret}}`);
}

/** What the programs can say: their source, where each value in a text is an ellipsis. */
function sourceText(): string {
  const { stdout } = spawnSync(
    "sh",
    ["-c", "cat packages/*/src/*.ts packages/*/src/*/*.ts packages/*/src/*/*/*.ts"],
    { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 },
  );
  return stdout;
}

function hasSystemd(): boolean {
  return spawnSync("systemd-analyze", ["--version"]).status === 0;
}
