// An install can succeed and still write a lockfile that `npm ci` refuses, when the binary of
// another platform is missing at the registry. This finds it before a fresh machine does: every
// optional dependency of every locked package must itself be locked.
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const missing = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const places = [`${path ? `${path}/` : ""}node_modules/${name}`, `node_modules/${name}`];
    if (!places.some((place) => packages[place])) missing.push(`${path || "(root)"} -> ${name}`);
  }
}
if (missing.length > 0) {
  console.error(
    `package-lock.json does not lock these optional dependencies:\n  ${missing.join("\n  ")}`,
  );
  console.error("Pin a version of the package whose platform binaries are all published.");
  process.exit(1);
}
