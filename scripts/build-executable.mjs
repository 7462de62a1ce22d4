// `npm run build:executable`: the command line as one file that needs no Node, for Linux. It is the
// Node that the lockfile pins with the bundle put into it (docs/adr/0026). With --arm64 the same
// for that processor, which nobody has tried; its Node is fetched and checked by the lockfile.
//   node scripts/build-executable.mjs [--arm64] [FOLDER]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inject } from "postject";
import { writeChecksums } from "./checksums.mjs";

const root = join(import.meta.dirname, "..");
const [folder = join(root, "dist")] = process.argv.slice(2).filter((each) => each !== "--arm64");
const target = resolve(folder);
const bundle = join(root, "packages/cli/dist/postern.cjs");
const lockfile = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));

/** What Node looks for in its own file (its documentation of single executable applications). */
const resource = "NODE_SEA_BLOB";
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const processors = process.argv.includes("--arm64") ? ["x64", "arm64"] : ["x64"];
const work = mkdtempSync(join(tmpdir(), "postern-executable-"));
try {
  mkdirSync(target, { recursive: true });
  const blob = makeBlob();
  for (const processor of processors) await buildFor(processor, blob);
  writeChecksums(target);
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function buildFor(processor, blob) {
  const executable = join(target, `postern-linux-${processor}`);
  copyFileSync(nodeOf(processor), executable);
  chmodSync(executable, 0o755);
  await quietly(() => inject(executable, resource, blob, { sentinelFuse: fuse }));
  console.log(executable);
}

/** The bundle as Node finds it in an executable; the same for each processor. */
function makeBlob() {
  const output = join(work, "postern.blob");
  const settings = join(work, "settings.json");
  // The name of the bundle is in the blob: it must not be that of a folder of this machine.
  copyFileSync(bundle, join(work, "postern.cjs"));
  const content = { main: "postern.cjs", output, disableExperimentalSEAWarning: true };
  writeFileSync(settings, JSON.stringify(content));
  const options = { cwd: work, stdio: "pipe" };
  execFileSync(nodeOf("x64"), ["--experimental-sea-config", settings], options);
  return readFileSync(output);
}

/** The Node of the lockfile for the processor. */
function nodeOf(processor) {
  const name = `node-linux-${processor}`;
  const installed = join(root, "node_modules", name, "bin/node");
  return existsSync(installed) ? installed : fetchNode(name);
}

function fetchNode(name) {
  const { version, integrity } = lockfile.packages[`node_modules/${name}`];
  const args = ["pack", `${name}@${version}`, "--pack-destination", work, "--silent"];
  const tarball = join(work, execFileSync("npm", args, { encoding: "utf8" }).trim());
  const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
  if (integrity !== `sha512-${digest}`)
    throw new Error(`${name}@${version} is not what package-lock.json pins`);
  execFileSync("tar", ["-xzf", tarball, "-C", work, "package/bin/node"]);
  return join(work, "package/bin/node");
}

/** postject's copy of LIEF complains of sections of Node that nobody changes. */
async function quietly(run) {
  const { warn, log } = console;
  Object.assign(console, { warn: () => {}, log: () => {} });
  try {
    await run();
  } finally {
    Object.assign(console, { warn, log });
  }
}
