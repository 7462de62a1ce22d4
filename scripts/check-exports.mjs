// Finds exports that no other file imports: code that nobody calls, or a name that need not leave
// its file. What a test imports counts as used, and so does a type that another export of the file
// is written in. Entry points are excluded: who imports them is outside of the tree.
//   node scripts/check-exports.mjs [ROOT]
import { readModules } from "./read-modules.mjs";

/** The last one is loaded by scripts/build.mjs, by way of the bundler. */
const entryPoint =
  /^(?:packages\/[^/]+\/src\/(?:main|administer|library\/(?:library|testing)(?:-types\.d)?)|scripts\/manual-pages)\.ts$/;

const modules = readModules(process.argv[2] ?? ".");
/** file → names that somebody imports */
const usedNames = new Map([...modules.keys()].map((file) => [file, new Set()]));

for (const { file, imports } of modules.values()) {
  for (const { file: target, names } of imports) for (const name of names) use(target, name);
  if (entryPoint.test(file)) use(file, "*");
}
for (const { file, exports, signatureTypes } of modules.values()) {
  for (const { name, line } of exports) {
    if (name === "*" || usedNames.get(file).has(name) || signatureTypes.has(name)) continue;
    console.error(`${file}:${line}: no other file imports ${name}; remove it, or its export`);
    process.exitCode = 1;
  }
}

/** Marks a name as used where it is exported, and where that file has it from; `*` is all of it. */
function use(file, name) {
  const used = usedNames.get(file);
  if (used === undefined || used.has(name)) return;
  used.add(name);
  for (const each of modules.get(file).exports) {
    if (name === "*" && each.name !== "*") use(file, each.name);
    if (each.from === undefined) continue;
    if (each.name === name) use(each.from.file, each.from.names[0]);
    if (each.name === "*") use(each.from.file, name);
  }
}
