// Holds each package to declaring what it imports, in its own package.json: what happens to be
// installed for another package is no promise. Source needs `dependencies`; tests are content with
// `devDependencies`. A package that is published as a bundle (`dist`) has its dependencies inside,
// and so declares none. Also finds what a package declares and does not import.
//   node scripts/check-dependencies.mjs [ROOT]
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readModules } from "./read-modules.mjs";

const root = process.argv[2] ?? ".";
/** folder of a package → its package.json, and the packages that are imported in it */
const packages = new Map();

const offences = [];
for (const { file, imports } of readModules(root).values()) {
  const { manifest, path, importedNames } = packageOf(file);
  for (const { specifier, line } of imports) {
    const name = packageName(specifier);
    if (name === undefined || name === manifest.name) continue;
    importedNames.add(name);
    const sentence = wrongDeclaration(file, name, manifest);
    if (sentence) offences.push(`${file}:${line}: imports ${name}, which ${path} ${sentence}`);
  }
}
for (const { manifest, path, importedNames } of packages.values()) {
  // The root's are tools as well, which nothing imports.
  if (path === "package.json") continue;
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (importedNames.has(name) || name.startsWith("@types/")) continue;
    offences.push(`${path}: declares ${name}, which the package does not import`);
  }
}
for (const offence of offences) console.error(offence);
if (offences.length > 0) process.exitCode = 1;

function wrongDeclaration(file, name, manifest) {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  const isBundled = manifest.files?.includes("dist");
  const isDevelopment = Object.hasOwn(devDependencies ?? {}, name);
  const isInstalled = Object.hasOwn(
    { ...dependencies, ...optionalDependencies, ...peerDependencies },
    name,
  );
  if (!isDevelopment && !isInstalled) return "does not declare";
  if (!/^packages\/[^/]+\/src\//.test(file)) return undefined;
  if (isBundled && Object.hasOwn(dependencies ?? {}, name))
    return "declares as a dependency although the bundle contains it; move it to devDependencies";
  if (!isBundled && !isInstalled) return "declares for development alone; move it to dependencies";
  return undefined;
}

/** The package that a file belongs to: one below `packages/`, one of a test's own, or the root. */
function packageOf(file) {
  const [folder] = /^(?:packages\/[^/]+|test\/conformance\/cloudflare-sdk)\//.exec(file) ?? [""];
  const path = `${folder}package.json`;
  if (!packages.has(folder)) {
    const manifest = existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "{}";
    packages.set(folder, { path, manifest: JSON.parse(manifest), importedNames: new Set() });
  }
  return packages.get(folder);
}

/** `hono/html` → `hono`; undefined for files and for what Node brings. */
function packageName(specifier) {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  const [first, second] = specifier.split("/");
  return specifier.startsWith("@") ? `${first}/${second}` : first;
}
