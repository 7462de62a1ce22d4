// What runs the parts of the program (bundle-program.mjs), of which `program` is the text: a line
// for each, within a comment. Any Node can read it: it says on which the program cannot run.
if (process.getBuiltinModule === undefined) {
  console.error(`postern needs Node 20.19 or newer, but this is ${process.version}`);
  process.exit(1);
}
const { runInThisContext } = require("node:vm");

const [, ...parts] = program.split("\n");
const loaded = [];

/** What a part exports. It is compiled and run when it is first asked for. */
function part(id) {
  if (loaded[id] === undefined) {
    const text = `"use strict";(${parts[id].replaceAll("*~/", "*/")})`;
    const run = runInThisContext(text, { filename: `${__filename}#${id}` });
    loaded[id] = run(part, node, load, importModule, __filename);
  }
  return loaded[id];
}

function node(name) {
  return require(`node:${name}`);
}

/** For `import()`: the part that asks may not have got to its end yet, where its exports are. */
function load(id) {
  return Promise.resolve().then(() => part(id));
}

/** From this file, since what was compiled from text cannot. */
function importModule(name) {
  return import(name);
}

part(0);
