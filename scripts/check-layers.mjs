// Holds the source to the table of layers.mjs: which room imports which, which package is imported
// where, who reads the environment; and finds files that import each other in a circle, types
// included. Prints one line for each offence.
//   node scripts/check-layers.mjs [ROOT]
import {
  exceptions,
  packages,
  readEnvironment,
  reasons,
  rooms,
  typesOnly,
  words,
} from "./layers.mjs";
import { readModules } from "./read-modules.mjs";

const modules = readModules(process.argv[2] ?? ".");
const usedExceptions = new Set();
const offences = [...[...modules.values()].flatMap(offencesOf), ...idleExceptions(), ...cycles()];
for (const offence of offences) console.error(offence);
if (offences.length > 0) process.exitCode = 1;

function offencesOf({ file, imports, environmentLines }) {
  const path = sourcePath(file);
  if (path === undefined) return [];
  const room = roomOf(path);
  if (room === undefined) return [`${file}: has no row in scripts/layers.mjs`];

  const ofImports = imports.flatMap((each) => {
    const isFile = each.specifier.startsWith(".") && each.file !== undefined;
    const sentence = isFile ? wrongRoom(room, each) : wrongPackage(path, each);
    if (sentence === undefined || isExcepted(path, each)) return [];
    return [`${file}:${each.line}: room ${room} ${sentence}`];
  });
  if (names(readEnvironment).some((reader) => isWithin(path, reader))) return ofImports;
  const ofEnvironment = environmentLines.map(
    (line) =>
      `${file}:${line}: room ${room} may not read process.env: ` +
      "The program's entry reads it and hands on what is needed.",
  );
  return [...ofImports, ...ofEnvironment];
}

/** What is wrong with importing another file, to be said of the room. */
function wrongRoom(room, { file, isType }) {
  const path = sourcePath(file);
  if (path === undefined) return `may not import ${file}: Source imports source alone.`;
  const target = roomOf(path);
  if (target === undefined || target === room || target === "protocol") return undefined;

  const [owner] = room.split("/");
  const isOwn = target.startsWith(`${owner}/`);
  if (isOwn && words.includes(target)) return undefined;

  const mayImport = names(rooms[room] ?? "");
  const composes = mayImport.includes("*");
  const isListed = composes || mayImport.some((name) => `${owner}/${name}` === target);
  if (!isOwn || !isListed) return `may not import room ${target}: ${reasonOf(room)}`;
  if (composes || isType || typesOnly[target] === undefined) return undefined;
  return `may import only types of room ${target}: ${typesOnly[target]}`;
}

function reasonOf(room) {
  const [owner] = room.split("/");
  return reasons[room] ?? reasons[owner];
}

/** What is wrong with importing a package, to be said of the room. */
function wrongPackage(path, { specifier }) {
  const rule = packages.find(({ packages: list, onlyIn, allOf }) => {
    const isListed = names(list).some((name) => isOfPackage(specifier, name));
    if (onlyIn !== undefined)
      return isListed && !names(onlyIn).some((name) => isWithin(path, name));
    return !isListed && names(allOf).some((name) => isWithin(path, name));
  });
  return rule && `may not import ${specifier}: ${rule.because}`;
}

function isExcepted(path, { file, specifier }) {
  const target = file === undefined ? specifier : sourcePath(file);
  if (target === undefined) return false;
  const exception = exceptions.find(
    ([importer, room]) => isWithin(path, importer) && isWithin(target, room),
  );
  usedExceptions.add(exception);
  return exception !== undefined;
}

function idleExceptions() {
  const paths = [...modules.keys()].map(sourcePath).filter((path) => path !== undefined);
  return exceptions
    .filter((exception) => !usedExceptions.has(exception))
    .filter(([importer]) => paths.some((path) => isWithin(path, importer)))
    .map(([importer, target]) => `scripts/layers.mjs: ${importer} imports ${target} no more`);
}

/** One line for each import that closes a circle, at the file that closes it. */
function cycles() {
  const lines = [];
  const finished = new Set();
  const visit = (file, importers) => {
    if (finished.has(file)) return;
    const path = [...importers, file];
    for (const { file: target, line } of modules.get(file).imports) {
      if (target === undefined || target === file) continue;
      const start = path.indexOf(target);
      if (start === -1) visit(target, path);
      else
        lines.push(`${file}:${line}: import cycle: ${[...path.slice(start), target].join(" → ")}`);
    }
    finished.add(file);
  };
  for (const file of modules.keys()) visit(file, []);
  return lines;
}

/** `packages/gateway/src/login/mail.ts` → `gateway/login/mail.ts`; undefined outside of source */
function sourcePath(file) {
  const match = /^packages\/([^/]+)\/src\/(.+)$/.exec(file);
  return match === null ? undefined : `${match[1]}/${match[2]}`;
}

/** The row that a file belongs to. */
function roomOf(path) {
  return [...words, ...Object.keys(rooms)].find((room) => isWithin(path, room));
}

function isWithin(path, room) {
  return path === room || path.startsWith(`${room}/`);
}

/** `kysely` is kysely/migration as well, `node:` all that Node brings, `@postern/` all of ours. */
function isOfPackage(specifier, name) {
  return isWithin(specifier, name) || (/[:/]$/.test(name) && specifier.startsWith(name));
}

function names(list) {
  return list.split(" ").filter((name) => name !== "");
}
