// `npm run conformance`: holds the admin API and our tokens against Cloudflare's own clients, on
// every store, and prints what is required, where that is said, and the test of it.
//   node scripts/conformance.mjs [sqlite] [postgres]
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";

const folder = join(import.meta.dirname, "../test/conformance/cloudflare-sdk");
const stores = process.argv.length > 2 ? process.argv.slice(2) : storesHere();
if (!existsSync(join(folder, "node_modules"))) install();

const requirements = JSON.parse(readFileSync(join(folder, "requirements.json"), "utf8"));
/** store → test → whether it passed */
const outcomes = new Map();
for (const store of stores) outcomes.set(store, await outcomesOn(store));
printTable();
reportStrays();

/** PostgreSQL where Debian's package is installed. */
function storesHere() {
  const hasPostgres = existsSync("/usr/lib/postgresql");
  if (!hasPostgres) console.error("conformance: no PostgreSQL here; SQLite alone is tried");
  return hasPostgres ? ["sqlite", "postgres"] : ["sqlite"];
}

function install() {
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--prefix", folder], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

/** @returns {Promise<Map<string, boolean>>} */
async function outcomesOn(store) {
  const tests = new Map();
  const stream = run({
    files: globSync(join(folder, "*.conformance.ts")),
    env: { ...process.env, POSTERN_CONFORMANCE_STORE: store },
  });
  for await (const { type, data } of stream) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    // The file itself is told of as a test, too.
    if (data.name.endsWith(".ts")) continue;
    tests.set(data.name, type === "test:pass");
    if (type === "test:fail") {
      process.exitCode = 1;
      console.error(`${store}: ${data.name}\n${data.details.error.cause ?? data.details.error}\n`);
    }
  }
  return tests;
}

function printTable() {
  console.log(`| Requirement | Source | Test | ${stores.join(" | ")} |`);
  console.log(`| --- | --- | --- | ${stores.map(() => "---").join(" | ")} |`);
  for (const { requirement, source, test } of requirements) {
    const verdicts = stores.map((store) => verdictOf(outcomes.get(store).get(test)));
    console.log(`| ${requirement} | ${source} | ${test} | ${verdicts.join(" | ")} |`);
  }
}

function verdictOf(outcome) {
  if (outcome === undefined) return "missing";
  return outcome ? "passed" : "FAILED";
}

/** A requirement without a test, and a test of nothing that is required, are mistakes. */
function reportStrays() {
  const named = new Set(requirements.map(({ test }) => test));
  for (const [store, tests] of outcomes) {
    for (const test of named) if (!tests.has(test)) fail(`${store}: no test "${test}" ran`);
    for (const test of tests.keys()) if (!named.has(test)) fail(`no requirement has "${test}"`);
  }
}

function fail(message) {
  process.exitCode = 1;
  console.error(message);
}
