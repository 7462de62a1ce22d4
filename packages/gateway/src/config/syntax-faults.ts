// What is wrong with a text that is not YAML, in our own words: the library's messages quote the
// text, which may hold a secret (case O10).
import { type Document, isAlias, isNode, type LineCounter, visit, type YAMLError } from "yaml";

/** One mistake of syntax makes many complaints: those of the first lines are enough. */
const mostLines = 10;

const words: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS:
    'this is not YAML: * and & begin names of aliases; put the value in quotes, as in "*.example.com"',
  BAD_DQ_ESCAPE:
    "this is not YAML: text in double quotes has an escape that does not exist; write \\\\ for a backslash",
  BAD_INDENT:
    "this is not YAML: a bracket is not closed, or the line is not indented like those that it belongs to",
  BAD_SCALAR_START:
    "this is not YAML: the value begins with a character that has a meaning of its own; put it in quotes",
  DUPLICATE_KEY: "the same field stands here twice; remove one of them",
  MULTIPLE_DOCS: "a second document begins here; keep one in the file",
  RESOURCE_EXHAUSTION: "is nested too deeply; write it flatter",
  TAB_AS_INDENT: "this is not YAML: a tab stands where the line is indented; use spaces",
  TAG_RESOLVE_FAILED: "! begins a tag, and there are none here; put the value in quotes",
};
const otherwise =
  "this is not YAML; look at the quotes, brackets, colons and the indentation here and in the line before";
const noAnchor =
  "* begins an alias, and no & before it has this name; put the value in quotes, or correct the name";

/** An alias that is a host with a wildcard is shown as it must be written; it is no secret. */
function aliasFault(name: string): string {
  if (!/^(?:\.[a-z][a-z0-9-]*)+$/i.test(name)) return noAnchor;
  return `* begins an alias, unless it stands in quotes; put the value in quotes: "*${name}"`;
}

/** @returns `file:line: column N: what to do`, in the order of the file; empty when it is YAML */
export function syntaxFaults(parsed: Document, lines: LineCounter, file: string): string[] {
  const complaints = [...parsed.errors, ...parsed.warnings];
  const faults: Fault[] = complaints.map(({ code, pos }) => ({
    offset: pos[0],
    what: words[code] ?? otherwise,
  }));
  if (faults.length === 0) faults.push(...aliasesToNothing(parsed));
  const firstOfLine = new Map<number, string>();
  for (const { offset, what } of faults.sort((a, b) => a.offset - b.offset)) {
    const { line, col } = lines.linePos(offset);
    if (!firstOfLine.has(line)) firstOfLine.set(line, `${file}:${line}: column ${col}: ${what}`);
  }
  return [...firstOfLine.values()].slice(0, mostLines);
}

interface Fault {
  offset: number;
  what: string;
}

function aliasesToNothing(parsed: Document): Fault[] {
  const anchors = new Set<string>();
  const faults: Fault[] = [];
  visit(parsed, (_key, node) => {
    if (isAlias(node) && !anchors.has(node.source))
      faults.push({ offset: node.range?.[0] ?? 0, what: aliasFault(node.source) });
    if (isNode(node) && !isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor);
  });
  return faults;
}
