// Runs the whole test suite with Node's own runner, some files a second time over HTTP/2 and some
// over the transport of node:http, and says at the end which tests this machine made it leave out,
// why, and the one command that brings what they need. Files or patterns as arguments run those
// alone.
import { generateKeyPairSync } from "node:crypto";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";

import { ProcessWatch } from "../test/support/process-watch.ts";
import { secretsVariable } from "../test/support/run-secrets.ts";

const wanted = process.argv.slice(2);
const major = Number(process.versions.node.split(".")[0]);
if (major < 24)
  fail(
    `The tests need Node 24 or newer; this is ${process.version}. \`npm ci\` brings one on Linux: run \`npm test\`.`,
  );
const files = globSync(
  wanted.length > 0 ? wanted : ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
)
  .filter((file) => !/(^|\/)test\/support\//.test(file))
  .sort();
/**
 * Files whose requests go through test/support/gateway-request.ts, and mean the same over HTTP/2:
 * they run once more with it. Others speak HTTP/1.1 byte for byte, or to more than a gateway.
 */
const alsoOverHttp2 = globSync([
  "packages/gateway/test/access/{authenticate,authorize,bearer,challenge,cors}.test.ts",
  "packages/gateway/test/access/{dead-token,metadata,origin-identity,pass,service-token}.test.ts",
  "packages/gateway/test/login/{error-pages,home,identity-and-logout,one-time-pin}.test.ts",
  "packages/gateway/test/login/pin-page.test.ts",
]);
/** Files whose outcome depends on what reads HTTP/1.1: they run once more over node:http. */
const alsoOverNodeHttp = globSync([
  "packages/gateway/test/access/{bounds,early-end,forward,own-answers,pipelining}.test.ts",
  "packages/gateway/test/access/{refused-requests,unusual-methods,upgrade,upgrade-access}.test.ts",
  "test/security/{costs,headers,paths}.test.ts",
  "test/e2e/{gateway-process-drain,gateway-process-tls}.test.ts",
]);
if (files.length === 0) fail(`No test file matches ${wanted.join(" ")}`);

// What the processes of one run share: keys to sign with, and modules that one of them compiled.
const shared = mkdtempSync(join(tmpdir(), "postern-tests-"));
process.env["POSTERN_TEST_KEYS"] = writeTestKeys(join(shared, "keys.json"));
process.env["NODE_COMPILE_CACHE"] = join(shared, "compiled");
const secretsFile = join(shared, "secrets");
writeFileSync(secretsFile, "", { mode: 0o600 });
process.env[secretsVariable] = secretsFile;

// A test that hangs fails after this time, which is far more than any takes on a busy machine.
// (`--test-force-exit` would end a file that leaks a handle, and with it lose reports that are
// still on their way.)
const testTimeoutMs = 300_000;
const execArgv = [`--test-timeout=${testTimeoutMs}`];
// Browsers, gateways and command lines are processes of their own: as many files at once as there
// are cores fill them, and one more would only make each slower.
const ending = new AbortController();
const leftOut = [];
const watch = new ProcessWatch(secretsFile);
await runFiles(files);
await runAgain(alsoOverHttp2, "HTTP/2", "POSTERN_TEST_HTTP", "2");
await runAgain(alsoOverNodeHttp, "node:http", "POSTERN_TEST_TRANSPORT", "node");
reportExposures(watch.stop());
// A process that ends just now may still write there.
rmSync(shared, { recursive: true, force: true, maxRetries: 10 });

if (leftOut.length > 0) {
  console.log(
    `\nLeft out on this machine: ${leftOut.length} ${leftOut.length === 1 ? "test" : "tests"}`,
  );
  for (const [why, tests] of Map.groupBy(leftOut, (each) => each.why)) {
    console.log(`  ${why}`);
    for (const { name } of tests) console.log(`    - ${name}`);
  }
  console.log("Bring what they need with:  npm run setup");
  // A run that must be complete is not, whatever a single test thought of it.
  if (process.env["POSTERN_REQUIRE_ALL"] === "1") process.exitCode = 1;
}

/**
 * Runs those of the files that are among some once more, with a variable of the environment.
 * @param {string[]} some
 * @param {string} over
 * @param {string} variable
 * @param {string} value
 */
async function runAgain(some, over, variable, value) {
  const again = files.filter((file) => some.includes(file));
  if (again.length === 0) return;
  console.log(`\nOnce more over ${over}:\n`);
  process.env[variable] = value;
  await runFiles(again);
  delete process.env[variable];
}

/**
 * Runs files, and reports on them.
 * @param {string[]} files
 */
async function runFiles(files) {
  const stream = run({
    files,
    concurrency: availableParallelism(),
    execArgv,
    signal: ending.signal,
  });
  endWhenNothingHappens(stream);
  stream.on("test:fail", ({ todo, skip }) => {
    if (todo === undefined && skip === undefined) process.exitCode = 1;
  });
  stream.on("test:pass", ({ name, skip }) => {
    if (skip !== undefined) leftOut.push({ name, why: typeof skip === "string" ? skip : "" });
  });
  const report = stream.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
}

/**
 * Makes the private keys that gateways under test sign with: a pair costs a tenth of a second, and
 * the suites start hundreds of gateways. test/support/signing-keys.ts reads the file.
 * @param {string} file
 * @returns {string} the file
 */
function writeTestKeys(file) {
  const options = {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  };
  const pems = Array.from({ length: 4 }, () => generateKeyPairSync("rsa", options).privateKey);
  writeFileSync(file, JSON.stringify(pems), { mode: 0o600 });
  return file;
}

/**
 * A file that leaks a handle never ends: one mistake costs minutes, not the night.
 * @param {import("node:test").TestsStream} events
 */
function endWhenNothingHappens(events) {
  const patienceMs = testTimeoutMs + 30_000;
  /** file → when it was last heard of */
  const heard = new Map();
  const end = () => {
    ending.abort();
    const last = [...heard].sort((a, b) => b[1] - a[1]).slice(0, availableParallelism() + 1);
    const names = last.map(([file]) => `\n  ${file}`).join("");
    fail(`A test file does not end: it leaks a handle. One of those last heard of:${names}`);
  };
  let timer = setTimeout(end, patienceMs);
  events.on("data", ({ data }) => {
    if (data.file !== undefined) heard.set(data.file, Date.now());
    clearTimeout(timer);
    timer = setTimeout(end, patienceMs);
  });
  events.on("end", () => clearTimeout(timer));
}

/**
 * Secrets that processes of the product showed while the tests ran (case C9).
 * @param {import("../test/support/exposed-secrets.ts").Exposure[]} exposures
 */
function reportExposures(exposures) {
  if (exposures.length === 0) return;
  console.log("\nSecrets that any user of the machine, or a tool, could read:");
  for (const { program, where, of } of exposures) console.log(`  ${program}: ${where} (${of})`);
  process.exitCode = 1;
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exit(1);
}
