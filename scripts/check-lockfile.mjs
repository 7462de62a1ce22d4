// An install can succeed and still write a lockfile that `npm ci` refuses, when the binary of
// another platform is missing at the registry. This finds it before a fresh machine does: every
// optional dependency of every locked package must itself be locked. Runs on Node 20, before the
// install.
//   node scripts/check-lockfile.mjs [ROOT]
import { readFileSync } from "node:fs";
import { join } from "node:path";

const lockfile = join(process.argv[2] ?? ".", "package-lock.json");
const { packages } = JSON.parse(readFileSync(lockfile, "utf8"));
const missing = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const nested = `${path ? `${path}/` : ""}node_modules/${name}`;
    const isLocked = nested in packages || `node_modules/${name}` in packages;
    if (!isLocked) missing.push(`${path || "(root)"} -> ${name}`);
  }
}
if (missing.length > 0) {
  console.error(
    `package-lock.json does not lock these optional dependencies:\n  ${missing.join("\n  ")}`,
  );
  console.error("Pin a version of the package whose platform binaries are all published.");
  process.exit(1);
}
