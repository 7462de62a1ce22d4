// The command line as one file. Node compiles what a command needs of it, and passes over the rest
// as over a comment (docs/adr/0035): each chunk of the bundler's is a part of the file, and
// program-loader.cjs compiles a part when it is asked for.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { rolldown } from "rolldown";
import { minify } from "terser";

/**
 * @param {{root: string, input: string}} source
 * @returns {Promise<{text: string, modules: string[]}>} `modules`: the files that are in it
 */
export async function bundleProgram({ root, input }) {
  const chunks = await chunksOf(root, input);
  const ids = new Map(chunks.map(({ fileName }, id) => [`./${fileName}`, id]));
  for (const chunk of chunks) refuseCycle(chunk, chunks, []);
  const parts = await Promise.all(chunks.map(({ code }) => smallest(linked(code, ids))));

  const lines = parts.map(inComment).join("\n");
  const head = `const program=String(function(){/*\n${lines}\n*/});`;
  const loader = readFileSync(join(import.meta.dirname, "program-loader.cjs"), "utf8");
  const modules = chunks.flatMap((chunk) => modulesOf(chunk, root));
  return { text: `"use strict";${head}\n${await smallest(loader)}\n`, modules };
}

/** The first is the entry. */
async function chunksOf(root, input) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: "node",
    external: ["@postern/gateway"],
    // From where an optional package is looked for: beside the file.
    transform: { target: "node20.19", define: { "import.meta.filename": "__filename" } },
  });
  const settings = { format: "es", comments: false, chunkFileNames: "[name]-[hash].js" };
  const { output } = await bundle.generate(settings);
  await bundle.close();
  return output.toSorted((a, b) => Number(b.isEntry) - Number(a.isEntry));
}

/** A part has its exports at its end, so none may need them before. */
function refuseCycle({ fileName, imports }, chunks, path) {
  if (path.includes(fileName)) throw new Error(`a cycle: ${[...path, fileName].join(" → ")}`);
  for (const name of imports) {
    const imported = chunks.find((chunk) => chunk.fileName === name);
    if (imported !== undefined) refuseCycle(imported, chunks, [...path, fileName]);
  }
}

/** The chunk as a function that the loader calls, and that returns its exports. */
function linked(code, ids) {
  const at = (from) => (ids.has(from) ? `$part(${ids.get(from)})` : `$node("${nameIn(from)}")`);
  const named = (names) => `{${names.replaceAll(" as ", ": ")}}`;
  const body = code
    .replace(/^import \{(.*)\} from "(.*)";$/gm, (_, names, from) => {
      return `const ${named(names)} = ${at(from)};`;
    })
    .replace(/^import ([\w$]+), \{(.*)\} from "(.*)";$/gm, (_, whole, names, from) => {
      return `const ${whole} = ${at(from)}, ${named(names)} = ${whole};`;
    })
    .replace(/^import (?:\* as )?([\w$]+) from "(.*)";$/gm, (_, whole, from) => {
      return `const ${whole} = ${at(from)};`;
    })
    .replace(/^import "(.*)";$/gm, (_, from) => `${at(from)};`)
    .replace(/\bimport\("(\..*?)"\)/g, (_, from) => `$load(${ids.get(from)})`)
    .replace(/\bimport\(/g, "$import(")
    .replace(/^export \{(.*)\};$/gm, (_, names) => {
      return `return {${names.replace(/([\w$]+) as ([\w$]+)/g, "$2: $1")}};`;
    });
  const [other] = /^(?:import|export)\b.*$|\bimport\.meta\b|\b__dirname\b/m.exec(body) ?? [];
  if (other !== undefined) throw new Error(`a part of the program cannot have ${other}`);
  return `${assignment}function($part, $node, $load, $import, __filename) {${strict}
${body}};`;
}

/** `fs` of `node:fs`: the loader knows that all of them are Node's. */
function nameIn(from) {
  if (!from.startsWith("node:")) throw new Error(`the program cannot import ${from}`);
  return from.slice("node:".length);
}

const assignment = "run=";
const strict = '"use strict";';

/**
 * As program-loader.cjs reads it: a line, which is strict without saying so, and what would end the
 * comment is written in another way.
 */
function inComment(part) {
  const text = part.slice(assignment.length, -1).replace(strict, "");
  if (/\*~\/|\n/.test(text)) throw new Error("the program contains *~/ or the end of a line");
  return text.replaceAll("*/", "*~/");
}

/** What a second minifier finds after the bundler's (docs/adr/0026). */
async function smallest(text) {
  const { code = "" } = await minify(text, {
    ecma: 2020,
    toplevel: true,
    // Nobody constructs a function of ours, or asks for its prototype or its number of parameters.
    compress: { passes: 2, keep_fargs: false, unsafe_arrows: true, unsafe_methods: true },
    // A text without other letters is half as large in memory.
    format: { ascii_only: true },
  });
  return code;
}

/** Paths from `root` of the files that the chunk is made of. */
function modulesOf({ modules }, root) {
  const used = Object.entries(modules).filter(([, { renderedLength }]) => renderedLength > 0);
  return used.map(([path]) => relative(root, path));
}
