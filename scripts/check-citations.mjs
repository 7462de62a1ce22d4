// Every citation leads somewhere. Looks through code, tests and documents below a folder (the first
// argument, else the working directory) and prints one line, `file:line: what is wrong`, for each
// citation without a target:
//
//   wire-protocol 6.7, access-features 3.1, security-cases 2.6   a numbered heading of a document
//   case P3, cases T1 to T5, "… (H1, H2)" in the name of a test   a heading of docs/cases.md
//   ADR 0004, docs/adr/0004                                       a decision
//   configuration.md, cli.md, "Files"                             a document, and a heading of it
//   docs/policies.md, `test/security/paths.test.ts`               a file
//   [text](docs/cli.md#files)                                     a file, and a heading of it
//
// Two documents name tests, and these must exist: docs/cases.md and test/conformance/README.md.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";

const root = process.argv[2] ?? ".";
const skippedFolders = new Set(["node_modules", "dist", "data", ".git"]);
const textFiles = new Set([".ts", ".mjs", ".js", ".md", ".yaml", ".sh", ".py", ".go", ".conf"]);

/** The word by which a document with numbered sections is cited → the document. */
const numberedDocuments = {
  "wire-protocol": "docs/protocol.md",
  "access-features": "docs/access.md",
  AF: "docs/access.md",
  "security-cases": "docs/cases.md",
};
const casesDocument = "docs/cases.md";
const conformanceDocument = "test/conformance/README.md";
/** Holds citations that lead nowhere, to show that they are found. */
const ownTest = "test/checks/citations.test.ts";

// A citation may go on in the next line of a comment or of a list.
const gap = String.raw`(?:[ \t]|\n[ \t]*(?:\*|\/\/|#|\|)?[ \t]*)+`;
const sectionNumber = String.raw`\d+(?:\.\d+)?`;
const caseId = String.raw`[A-Z]\d{1,2}\b`;
const listOf = (item) => `${item}(?:(?:,?${gap}and${gap}|${gap}to${gap}|,${gap}|[–-])${item})*`;

const patterns = {
  numbered: new RegExp(
    String.raw`\b(${Object.keys(numberedDocuments).join("|")})${gap}(${listOf(`(?:${sectionNumber}|${caseId})`)})`,
    "g",
  ),
  cases: new RegExp(String.raw`\b[Cc]ases?${gap}(${listOf(caseId)})`, "g"),
  casesOfTest: new RegExp(String.raw`\((${listOf(caseId)})\)|["'\x60](${caseId}) `, "g"),
  decisions: new RegExp(String.raw`\bADR${gap}(${listOf(String.raw`\d{4}`)})`, "g"),
  decisionFile: /\bdocs\/adr\/(\d{4})(?!\d|-)/g,
  documentName: /(?<![\w./-])([\w-]+\.md)\b(?:, "([^"\n]+)")?/g,
  documentPath: /(?<![\w/])docs\/[\w./-]*\w\.md\b/g,
  quotedPath:
    /`(?!docs\/adr\/\d{4}`)((?:docs|test|packages|scripts|examples|demo|bench|\.ci)\/[\w./@-]*\w\/?)`/g,
  link: /(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)/g,
};

/** @type {{ file: string, line: number, what: string }[]} */
const broken = [];
const files = [...walk(root)].sort();
const documents = new Map(
  files
    .filter((file) => extname(file) === ".md")
    .map((file) => [file, readHeadings(readFileSync(join(root, file), "utf8"))]),
);
const decisions = new Set(
  files.flatMap((file) => /^docs\/adr\/(\d{4})-[\w-]+\.md$/.exec(file)?.[1] ?? []),
);

for (const file of files.filter((each) => each !== ownTest)) {
  const text = readFileSync(join(root, file), "utf8");
  checkCitations(file, text);
  if (extname(file) === ".md") checkLinks(file, text);
}
checkNamedTests();
checkConformance();

for (const { file, line, what } of broken.sort(inOrder)) console.error(`${file}:${line}: ${what}`);
if (broken.length > 0) process.exitCode = 1;

/**
 * Files below a folder of the root, as paths from the root with forward slashes.
 * @param {string} folder
 * @returns {Generator<string>}
 */
function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !skippedFolders.has(entry.name)) yield* walk(path);
    if (entry.isFile() && textFiles.has(extname(entry.name)))
      yield relative(root, path).replaceAll("\\", "/");
  }
}

/**
 * @param {string} text of a Markdown file
 * @returns what of it can be cited: section numbers and case ids in front of a heading, whole
 *   headings, and the anchors that GitHub makes of them
 */
function readHeadings(text) {
  const labels = new Set();
  const titles = new Set();
  const anchors = new Set();
  for (const [, heading = ""] of withoutFences(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const label = /^(\d+(?:\.\d+)?|[A-Z]\d{1,2})\.? /.exec(heading)?.[1];
    if (label !== undefined) labels.add(label);
    titles.add(heading.replaceAll("`", ""));
    anchors.add(anchorOf(heading, anchors));
  }
  return { labels, titles, anchors };
}

/**
 * @param {string} heading
 * @param {ReadonlySet<string>} before anchors of the same document
 */
function anchorOf(heading, before) {
  const slug = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");
  if (!before.has(slug)) return slug;
  let count = 1;
  while (before.has(`${slug}-${count}`)) count++;
  return `${slug}-${count}`;
}

/**
 * @param {string} file
 * @param {string} text
 */
function checkCitations(file, text) {
  const tell = (match, what) => report(file, text, match.index, what);
  for (const match of text.matchAll(patterns.numbered)) {
    const [, word = "", list = ""] = match;
    for (const label of labelsIn(list)) {
      const document = /^[A-Z]/.test(label) ? casesDocument : numberedDocuments[word];
      if (!hasLabel(document, label))
        tell(match, `${word} ${label}: ${document} has no such section`);
    }
  }
  const casePatterns = file.endsWith(".test.ts")
    ? [patterns.cases, patterns.casesOfTest]
    : [patterns.cases];
  for (const match of casePatterns.flatMap((pattern) => [...text.matchAll(pattern)]))
    for (const id of labelsIn(match[1] ?? match[2] ?? ""))
      if (!hasLabel(casesDocument, id))
        tell(match, `case ${id}: ${casesDocument} has no such case`);

  for (const match of [
    ...text.matchAll(patterns.decisions),
    ...text.matchAll(patterns.decisionFile),
  ])
    for (const number of (match[1] ?? "").match(/\d{4}/g) ?? [])
      if (!decisions.has(number)) tell(match, `ADR ${number}: docs/adr has no such decision`);

  // In Markdown, code is an example; checkLinks looks at paths in it.
  checkDocumentNames(file, extname(file) === ".md" ? withoutCode(text) : text);
}

/**
 * Documents that are named, by their name alone or with their path.
 * @param {string} file
 * @param {string} text
 */
function checkDocumentNames(file, text) {
  for (const match of text.matchAll(patterns.documentName)) {
    const [, name = "", heading] = match;
    const candidates = [join("docs", name), name, join(dirname(file), name)];
    const document = candidates.find((candidate) => documents.has(candidate));
    if (document === undefined)
      report(file, text, match.index, `${name}: there is no such document`);
    else if (heading !== undefined && !documents.get(document)?.titles.has(heading))
      report(file, text, match.index, `${name}, "${heading}": it has no such heading`);
  }
  for (const match of text.matchAll(patterns.documentPath))
    if (!documents.has(match[0]))
      report(file, text, match.index, `${match[0]}: there is no such file`);
}

/**
 * Relative links and paths between backquotes, in Markdown.
 * @param {string} file
 * @param {string} text
 */
function checkLinks(file, text) {
  const prose = withoutFences(text);
  // The tables of conformance tests name files in short: checkConformance looks at them.
  const paths = file === conformanceDocument ? [] : prose.matchAll(patterns.quotedPath);
  for (const match of paths) {
    const [, path = ""] = match;
    if (!existsSync(join(root, path)))
      report(file, text, match.index, `${path}: there is no such file`);
  }
  for (const match of withoutCode(text).matchAll(patterns.link)) {
    const [, target = ""] = match;
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const linkedFile = path === "" ? file : join(dirname(file), path);
    if (!existsSync(join(root, linkedFile)))
      report(file, text, match.index, `${target}: the link leads to no file`);
    else if (anchor !== undefined && documents.get(linkedFile)?.anchors.has(anchor) === false)
      report(file, text, match.index, `${target}: the link leads to no heading`);
  }
}

/** Each case names tests that exist, or says that it is not covered yet. */
function checkNamedTests() {
  if (!documents.has(casesDocument)) return;
  const text = readFileSync(join(root, casesDocument), "utf8");
  for (const section of text.matchAll(/^### ([A-Z]\d{1,2}) .*\n((?:(?!#{1,3} ).*\n?)*)/gm)) {
    const [whole, id = "", body = ""] = section;
    const start = section.index + whole.length - body.length;
    const tell = (index, what) => report(casesDocument, text, index, `case ${id}${what}`);
    const tests = namedTests(body);
    if (tests.length === 0 && !/not\s+covered\s+yet/i.test(body))
      tell(section.index, ' names no test; name one, or say "not covered yet"');
    for (const { file, name, index } of tests)
      if (!hasTest(file, name)) tell(start + index, `: ${file} has no test "${name}"`);
  }
}

/**
 * The tests that a case names: a file, and below it names, which may go on in further lines.
 * @param {string} body of the case's section
 */
function namedTests(body) {
  const tests = [];
  let file = "";
  for (const item of body.matchAll(/^( *)- (.+(?:\n +(?! |- ).+)*)/gm)) {
    const [, indent = "", content = ""] = item;
    const words = content.replaceAll(/\n +/g, " ").replaceAll("`", "");
    if (indent === "") file = words;
    else tests.push({ file, name: words, index: item.index });
  }
  return tests;
}

/**
 * @param {string} file
 * @param {string} name of a test, or of a row in a table of tests: a whole literal of the file
 */
function hasTest(file, name) {
  if (!files.includes(file)) return false;
  const text = readFileSync(join(root, file), "utf8");
  return [JSON.stringify(name), `\`${name}\``, `'${name}'`].some((literal) =>
    text.includes(literal),
  );
}

/** The tables of requirements: `| requirement | source | tests |`. */
function checkConformance() {
  if (!documents.has(conformanceDocument)) return;
  const text = readFileSync(join(root, conformanceDocument), "utf8");
  const [tested = ""] = text.split("\n## Not here\n");
  for (const row of tested.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \|$/gm)) {
    const [, , source = "", tests = ""] = row;
    for (const label of source.match(/(?<![\w.])(?<!AF )\d+(?:\.\d+)?(?![\d.])/g) ?? [])
      if (!/^\d{4}$/.test(label) && !hasLabel("docs/protocol.md", label))
        report(
          conformanceDocument,
          text,
          row.index,
          `${label}: docs/protocol.md has no such section`,
        );
    for (const [, name = ""] of tests.matchAll(/`([^`]+)`/g))
      if (!conformanceTests(name).some((path) => existsSync(join(root, path))))
        report(conformanceDocument, text, row.index, `${name}: there is no such test`);
  }
}

/**
 * Where a test lies that the tables name in short.
 * @param {string} name
 */
function conformanceTests(name) {
  const [folder = "", ...rest] = name.split("/");
  if (rest.join("") === "") return [join(dirname(conformanceDocument), folder)];
  if (folder === "test") return [`${name}.test.ts`];
  if (folder === "cli" || folder === "protocol")
    return [`packages/${folder}/test/${rest.join("/")}.test.ts`];
  return [`packages/gateway/test/${name}.test.ts`];
}

/**
 * @param {string} document
 * @param {string} label
 */
function hasLabel(document, label) {
  return documents.get(document)?.labels.has(label) === true;
}

/**
 * The labels of a list such as `2, 6.1 and 7` or `T1 to T5`. A range of cases names all between.
 * @param {string} list
 */
function labelsIn(list) {
  const flat = list.replaceAll(/\n[ \t]*(?:\*|\/\/|#|\|)?/g, " ");
  const ranges = flat.matchAll(/([A-Z])(\d{1,2})(?:–|-| +to +)\1(\d{1,2})/g);
  const between = [...ranges].flatMap(([, letter = "", from, to]) =>
    Array.from(
      { length: Number(to) - Number(from) },
      (_, step) => `${letter}${Number(from) + step}`,
    ),
  );
  return new Set([...(flat.match(/[A-Z]?\d+(?:\.\d+)?/g) ?? []), ...between]);
}

/** @param {string} text of a Markdown file; all code becomes blanks, so that places stay */
function withoutCode(text) {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
}

/** @param {string} text the same for blocks of code alone */
function withoutFences(text) {
  return text.replaceAll(/^( *)```.*\n[\s\S]*?^\1```$/gm, (block) =>
    block.replaceAll(/[^\n]/g, " "),
  );
}

/**
 * @param {string} file
 * @param {string} text
 * @param {number} index
 * @param {string} what
 */
function report(file, text, index, what) {
  broken.push({ file, line: text.slice(0, index).split("\n").length, what });
}

/**
 * @param {{ file: string, line: number }} a
 * @param {{ file: string, line: number }} b
 */
function inOrder(a, b) {
  return a.file.localeCompare(b.file) || a.line - b.line;
}
