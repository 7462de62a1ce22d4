// Finds comments wider than 100 columns. The formatter sees to code and leaves comments alone.
// Columns are characters, not bytes. A word that is wider than a line, as an address, may stand on
// a line of its own.
//   node scripts/check-width.mjs [ROOT]
import { readModules } from "./read-modules.mjs";

const width = 100;

for (const { file, comments } of readModules(process.argv[2] ?? ".").values()) {
  for (const { line, text } of comments) {
    const columns = [...text].length;
    const [, words] = /^\s*(?:\/\/|\/?\*+)?\s*(.*)$/.exec(text);
    if (columns <= width || !words.includes(" ")) continue;
    console.error(`${file}:${line}: a comment of ${columns} columns; break it at ${width}`);
    process.exitCode = 1;
  }
}
