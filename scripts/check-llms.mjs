// Holds docs/llms.txt to the documents that it is made from.
import { existsSync, readFileSync } from "node:fs";
import { file, llmsText } from "./llms.mjs";

if (!existsSync(file) || readFileSync(file, "utf8") !== llmsText()) {
  console.log(`${file}: it is older than the documents; write it anew with: npm run fix`);
  process.exitCode = 1;
}
