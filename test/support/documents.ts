// README and docs/, and the blocks in them.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A fenced block of a document. */
export interface Block {
  document: string;
  /** of its first fence */
  line: number;
  language: string;
  text: string;
  /** what the comment above it says of how it is tried */
  mark: { kind: "untried" | "run by"; text: string } | undefined;
}

/** Paths below the root. Decisions of the past (docs/adr) are not documents of today. */
export function documents(): string[] {
  return globSync(
    [
      "README.md",
      "CONTRIBUTING.md",
      "packages/*/README.md",
      "docs/*.md",
      "docs/{forward-auth,messages,recipes}/*.md",
    ],
    { cwd: root },
  ).sort();
}

const block = /(?:^<!-- (untried|run by): (.*?) -->\n)?^```(\S*)\n([\s\S]*?)^```$/gm;

/** Every block, in the order of the documents. */
export function documentBlocks(): Block[] {
  return documents().flatMap((document) => {
    const source = readFileSync(join(root, document), "utf8");
    return [...source.matchAll(block)].map((match) => {
      const [, kind, reason = "", language = "", text = ""] = match;
      const line = source.slice(0, match.index).split("\n").length;
      return { document, line, language, text, mark: markOf(kind, reason) };
    });
  });
}

function markOf(kind: string | undefined, text: string): Block["mark"] {
  return kind === "untried" || kind === "run by" ? { kind, text } : undefined;
}
