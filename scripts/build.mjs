// `npm run build`: each of the two published packages as a bundle without dependencies, and beside
// it the licences of what it contains; with the command line also its manual pages and completions.
// The source is run as it is everywhere else.
import { chmodSync, copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleGateway } from "./bundle-gateway.mjs";
import { bundleProgram } from "./bundle-program.mjs";
import { licencesOf } from "./licences.mjs";

const root = join(import.meta.dirname, "..");

await Promise.all([buildCli("packages/cli"), buildGateway("packages/gateway")]);

/** The file alone is the whole command: it can be copied to wherever PATH leads. */
async function buildCli(folder) {
  const { text, modules } = await bundleProgram({ root, input: `${folder}/src/main.ts` });
  const program = join(root, folder, "dist/postern.cjs");
  mkdirSync(join(root, folder, "dist"), { recursive: true });
  writeFileSync(program, `#!/usr/bin/env node\n${text}`);
  chmodSync(program, 0o755);
  refuseLargeBundle(program);
  writeLicences(folder, modules);
  await buildLibrary(folder);
  const { manualPages, completionFiles } = await importSource("scripts/manual-pages.ts");
  writeFiles(join(root, folder, "dist/man"), manualPages());
  writeFiles(join(root, folder, "dist/completions"), completionFiles());
}

/** For programs that import the package (docs/library.md). */
async function buildLibrary(folder) {
  const entries = ["library", "testing"];
  const source = join(root, folder, "src/library");
  await build({
    absWorkingDir: root,
    entryPoints: entries.map((name) => `${source}/${name}.ts`),
    outdir: `${folder}/dist`,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  for (const name of entries)
    copyFileSync(`${source}/${name}-types.d.ts`, join(root, folder, `dist/${name}.d.ts`));
}

/** Every command reads the whole of it, compiled or not (docs/adr/0035). */
function refuseLargeBundle(program) {
  const largest = 300_000;
  const { size } = statSync(program);
  if (size > largest)
    throw new Error(`the command line is ${size} bytes, and at most ${largest} are allowed`);
}

/** A module of the source, on a Node that cannot read TypeScript as well. */
async function importSource(path) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    logLevel: "warning",
    // What commands do when they run is not wanted here.
    plugins: [{ name: "light", setup: (setup) => setup.onResolve({ filter: /./ }, leaveOut) }],
  });
  const encoded = Buffer.from(outputFiles[0].text).toString("base64");
  return import(`data:text/javascript;base64,${encoded}`);
}

function leaveOut({ kind, path }) {
  return kind === "dynamic-import" ? { path, external: true } : undefined;
}

/** Writes the files into a folder of their own. */
function writeFiles(folder, files) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
}

async function buildGateway(folder) {
  const metafile = await bundleGateway({
    root,
    source: `${folder}/src`,
    entries: ["main.ts", "administer.ts"],
    target: `${folder}/dist`,
  });
  const modules = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  writeLicences(folder, modules);
}

function writeLicences(folder, modules) {
  writeFileSync(join(root, folder, "dist/THIRD-PARTY-LICENSES.txt"), licencesOf(root, modules));
}
