// The documents as one text, docs/llms.txt: for a program that reads all of them at once, or a
// person who searches. `npm run fix` writes it; check-llms.mjs holds it to the documents.
import { globSync, readFileSync, writeFileSync } from "node:fs";

export const file = "docs/llms.txt";

/** Each document in full, under a line with its path, README first. */
export function llmsText() {
  const documents = [
    "README.md",
    ...globSync([
      "docs/*.md",
      "docs/forward-auth/*.md",
      "docs/recipes/*.md",
      "docs/messages/*.md",
    ]).sort(),
  ];
  const parts = documents.map(
    (path) => `<!-- ${path} -->\n\n${readFileSync(path, "utf8").trim()}\n`,
  );
  return parts.join("\n");
}

if (import.meta.main) writeFileSync(file, llmsText());
