// `npm run check`: every check at once, so that one run shows everything that is wrong. A check is
// a program that prints what is wrong, one line for each offence, and then exits with a status.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

const own = globSync("scripts/check-*.mjs").sort();
const checks = [
  ...own.map((file) => ({ name: /check-\w+/.exec(file)[0], command: [process.execPath, file] })),
  { name: "biome", command: ["biome", "check", "."] },
  { name: "tsc", command: ["tsc", "--noEmit"] },
];
const results = await Promise.all(checks.map(run));
for (const { name, status, output } of results) {
  if (status === 0) continue;
  console.error(`${name}:\n${output}`);
  process.exitCode = 1;
}
if (process.exitCode !== 1) console.log(`${checks.length} checks passed`);

/** @returns {Promise<{ name: string, status: number, output: string }>} */
function run({ name, command: [program, ...args] }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    child.on("error", reject);
    child.on("close", (status) => resolve({ name, status: status ?? 1, output }));
  });
}
