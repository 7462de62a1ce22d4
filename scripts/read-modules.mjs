// Reads what each source file of a tree imports, exports and says in comments: the ground under
// check-layers, check-exports, check-dependencies and check-width. A parser does it and no regular
// expression, because tests hold programs in their strings. Imports of types count like any other:
// they are knowledge of a room just the same.
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

const sources = ["packages/*/{src,test}", "test", "bench", "fuzz", "demo", "scripts"];

/**
 * @typedef {object} Import
 * @property {string} specifier as the file says it
 * @property {string | undefined} file the file it names, when that is one of the tree
 * @property {string[]} names what is taken of it; `*` is everything
 * @property {boolean} isType whether the import vanishes when the types do
 * @property {number} line
 *
 * @typedef {object} Module
 * @property {string} file relative to the root, with slashes
 * @property {Import[]} imports
 * @property {{ name: string, line: number, from?: Import }[]} exports `*` hands on all of `from`
 * @property {{ line: number, text: string }[]} comments one entry a line of a comment
 * @property {Set<string>} signatureTypes types that exported declarations are written in
 * @property {number[]} environmentLines where the process's environment is read
 */

/**
 * @param {string} root the folder of the repository
 * @returns {Map<string, Module>} by file, in order
 */
export function readModules(root) {
  const patterns = sources.map((folder) => `${folder}/**/*.{ts,mjs}`);
  const files = globSync(patterns, { cwd: root, exclude: (name) => name === "node_modules" })
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  const tree = { root, files: new Set(files), entries: packageEntries(root) };
  return new Map(files.map((file) => [file, readModule(tree, file)]));
}

/** `@postern/protocol` → the file of the tree that its package.json exports. */
function packageEntries(root) {
  const entries = new Map();
  for (const file of globSync("packages/*/package.json", { cwd: root })) {
    const { name, exports } = JSON.parse(readFileSync(posix.join(root, file), "utf8"));
    for (const [path, target] of Object.entries(exports ?? {})) {
      if (typeof target !== "string") continue;
      entries.set(posix.join(name, path), posix.join(posix.dirname(file), target));
    }
  }
  return entries;
}

/** @returns {Module} */
function readModule(tree, file) {
  const text = readFileSync(posix.join(tree.root, file), "utf8");
  const { module, program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);

  const lineOf = lineCounter(text);
  const importOf = (specifier, names, isType, start) => ({
    specifier,
    file: resolve(tree, file, specifier),
    names,
    isType,
    line: lineOf(start),
  });
  const { exports, imports: handedOn } = readExports(module, importOf, lineOf);
  const { imports: lazy, environment } = readExpressions(program, importOf);
  return {
    file,
    imports: [...readStaticImports(module, importOf), ...handedOn, ...lazy],
    exports,
    signatureTypes: readSignatureTypes(program),
    comments: comments.flatMap((comment) => commentLines(text, comment, lineOf)),
    environmentLines: environment.map(lineOf),
  };
}

function readStaticImports(module, importOf) {
  return module.staticImports.map(({ moduleRequest, entries, start }) => {
    const names = entries.map(({ importName }) => {
      if (importName.kind === "Name") return importName.name;
      return importName.kind === "Default" ? "default" : "*";
    });
    const isType = entries.length > 0 && entries.every((entry) => entry.isType);
    return importOf(moduleRequest.value, names, isType, start);
  });
}

/** Exports; one that hands on another file's is an import of it as well. */
function readExports(module, importOf, lineOf) {
  const exports = [];
  const imports = [];
  for (const entry of module.staticExports.flatMap((statement) => statement.entries)) {
    const name = exportedName(entry.exportName);
    if (entry.moduleRequest === null) {
      exports.push({ name, line: lineOf(entry.start) });
      continue;
    }
    // Who takes the name from us takes it from there: what is handed on is no use by itself.
    const taken = entry.importName.kind === "Name" ? entry.importName.name : "*";
    const from = importOf(entry.moduleRequest.value, [taken], entry.isType, entry.start);
    exports.push({ name, line: from.line, from });
    imports.push({ ...from, names: [] });
  }
  return { exports, imports };
}

function exportedName({ kind, name }) {
  if (kind === "Name") return name;
  return kind === "Default" ? "default" : "*";
}

/** `import("…")` as a value and as a type, and every reading of `process.env`. */
function readExpressions(program, importOf) {
  const imports = [];
  const environment = [];
  const namesOf = new Map();
  new Visitor({
    VariableDeclarator({ id, init }) {
      const call = awaitedImport(init);
      if (call && id.type === "ObjectPattern") namesOf.set(call, id.properties.map(propertyName));
    },
    MemberExpression({ object, property, start }) {
      const call = awaitedImport(object);
      if (call) namesOf.set(call, [property.name]);
      const isEnvironment = property.name === "env" || property.value === "env";
      if (object.name === "process" && isEnvironment) environment.push(start);
    },
    "ImportExpression:exit"(node) {
      if (node.source.type === "Literal") imports.push({ node, isType: false });
    },
    TSImportType(node) {
      imports.push({ node, isType: true });
    },
  }).visit(program);
  return {
    environment,
    imports: imports.map(({ node, isType }) =>
      importOf(node.source.value, namesOf.get(node) ?? ["*"], isType, node.start),
    ),
  };
}

/** The import expression of `await import("…")`, in brackets or not. */
function awaitedImport(node) {
  if (node?.type === "ParenthesizedExpression") return awaitedImport(node.expression);
  if (node?.type !== "AwaitExpression") return undefined;
  return node.argument.type === "ImportExpression" ? node.argument : undefined;
}

/** `...rest` takes everything. */
function propertyName(property) {
  return property.type === "Property" ? property.key.name : "*";
}

/** The types that an exported declaration names outside of function bodies. */
function readSignatureTypes(program) {
  const types = new Set();
  let depth = 0;
  let bodies = 0;
  new Visitor({
    ExportNamedDeclaration: () => void depth++,
    "ExportNamedDeclaration:exit": () => void depth--,
    BlockStatement: () => void bodies++,
    "BlockStatement:exit": () => void bodies--,
    TSTypeReference({ typeName }) {
      if (depth > 0 && bodies === 0) types.add(typeName.name);
    },
    TSInterfaceHeritage({ expression }) {
      if (depth > 0 && bodies === 0) types.add(expression.name);
    },
  }).visit(program);
  return types;
}

function commentLines(text, { start, end }, lineOf) {
  const first = lineOf(start);
  const column = start - (text.lastIndexOf("\n", start - 1) + 1);
  const whole = text.slice(start - column, end);
  return whole.split("\n").map((line, index) => ({ line: first + index, text: line }));
}

/** The file of the tree that is meant; packages and what is not there are none of it. */
function resolve({ files, entries }, importer, specifier) {
  const file = specifier.startsWith(".")
    ? posix.join(posix.dirname(importer), specifier)
    : entries.get(specifier);
  return files.has(file) ? file : undefined;
}

/** @returns {(offset: number) => number} counted from 1 */
function lineCounter(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
