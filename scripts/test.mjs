// Runs the whole test suite with Node's own runner, and says on screen what this machine makes it leave out.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";

const patterns = process.argv.length > 2 ? process.argv.slice(2) : ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"];
const files = globSync(patterns);
const browser = process.env["POSTERN_CHROMIUM"] ?? "/usr/bin/chromium";
if (!existsSync(browser)) {
  if (process.env["CI"] === "true") {
    console.error(`No browser at ${browser}: a CI run leaves no test out. Run \`npm run setup\` first.`);
    process.exit(1);
  }
  console.log(`\nNo browser at ${browser}: the tests that drive real pages are left out.\nBring it with:  npm run setup\n`);
}
const run = spawnSync(process.execPath, ["--test", "--test-timeout=120000", ...files], { stdio: "inherit" });
process.exit(run.status ?? 1);
