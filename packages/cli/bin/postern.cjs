#!/usr/bin/env node
// What npm links as `postern`. The program is one bundled file, made by `npm run build`. What it cannot run on is
// told here, in words that any Node can read.
if (process.getBuiltinModule === undefined) {
  console.error(`postern needs Node 20.19 or newer, but this is ${process.version}`);
  process.exit(1);
}
require("./compile-cache.cjs").keepCompiled(process.env);
require("../dist/postern.cjs");
