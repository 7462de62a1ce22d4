// `npm run build:packages`: what the command line is installed from, beside the executable: the
// tarball for npm, a Debian package, and a Homebrew formula that names the tarball by its checksum.
// Two builds of one commit are the same, byte for byte (docs/adr/0026).
//   node scripts/build-packages.mjs [FOLDER]
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { sha256Of, writeChecksums } from "./checksums.mjs";
import { buildDebianPackage } from "./debian-package.mjs";
import { formulaOf } from "./homebrew-formula.mjs";

const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "dist"));
const manifest = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));

mkdirSync(target, { recursive: true });
const tarball = join(target, packTarball());
const formula = join(target, "postern.rb");
writeFileSync(formula, formulaOf(manifest, sha256Of(tarball)));
const debianPackage = buildDebianPackage({ root, target, manifest, builtAt: timeOfSource() });
writeChecksums(target);
for (const file of [tarball, formula, debianPackage]) console.log(file);

/** @returns its file name */
function packTarball() {
  const args = ["pack", "-w", "postern", "--ignore-scripts", "--silent"];
  const options = { cwd: root, encoding: "utf8" };
  return execFileSync("npm", [...args, "--pack-destination", target], options).trim();
}

/** When the source was last changed, in seconds since the epoch: the date of everything built. */
function timeOfSource() {
  const variable = process.env["SOURCE_DATE_EPOCH"];
  if (variable !== undefined) return Number(variable);
  const args = ["log", "-1", "--format=%ct"];
  return Number(execFileSync("git", args, { cwd: root, encoding: "utf8" }));
}
