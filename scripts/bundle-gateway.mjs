// Bundles the gateway. Node runs no TypeScript below node_modules, so the installed package needs
// JavaScript. Beside the entries (index.js), each `*-worker.ts` is one of its own: a thread is
// started from a file. Source starts it with
//
//   new Worker(new URL("./parse-worker.ts", import.meta.url))
//
// and the bundle, which lies flat in one folder, with `./parse-worker.js`.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

const worker = /new URL\(\s*"\.{1,2}\/[^"]*?([^"/]+-worker)\.ts",\s*import\.meta\.url,?\s*\)/g;
const commentLine = /^\s*(?:\/\/|\/?\*).*$/gm;

/**
 * The options are in bundle-gateway.d.mts.
 * @throws {Error} when source refers to a file that the bundle does not have
 */
export async function bundleGateway({ root, source, entries, target, logLevel = "warning" }) {
  const workers = readdirSync(join(root, source), { recursive: true }).filter((file) =>
    file.endsWith("-worker.ts"),
  );
  const names = workers.map((file) => basename(file, ".ts"));
  if (new Set(names).size < names.length)
    throw new Error(`two workers have one name: ${names.sort().join(", ")}`);

  rmSync(join(root, target), { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries, ...workers].map((file) => join(source, file)),
    outdir: target,
    entryNames: "[name]",
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // Some dependencies are CommonJS and require what Node brings.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    legalComments: "none",
    metafile: true,
    logLevel,
    plugins: [
      { name: "workers", setup: (setup) => renameWorkers(setup, names) },
      { name: "http", setup: requireHttp },
      { name: "left out", setup: leaveOut },
      { name: "zod", setup: leaveOutLanguages },
    ],
  });
  return metafile;
}

/**
 * An import of node:http reads all that it exports, among it what loads the whole of undici: some
 * 18 MiB of memory that a gateway does not use. `require` reads what is asked for.
 */
function requireHttp({ onResolve, onLoad }) {
  onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
    kind === "import-statement" ? { path: "node:http", namespace: "required" } : undefined,
  );
  onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
    contents: `module.exports = require(${JSON.stringify(path)});`,
  }));
}

/**
 * What `pg` would load on other platforms, or where nobody has said the password: the gateway never
 * reads ~/.pgpass.
 */
function leaveOut({ onResolve, onLoad }) {
  const filter = /^(?:pg-native|pg-cloudflare|pgpass)$/;
  onResolve({ filter }, ({ path }) => ({ path, namespace: "left-out" }));
  onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
    contents: `throw new Error("${path} is not part of the gateway");`,
  }));
}

/** What zod says is English here. It brings forty other languages, as long as itself. */
function leaveOutLanguages({ onResolve }) {
  onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, ({ resolveDir }) => ({
    path: join(resolveDir, "../locales/en.js"),
  }));
}

function renameWorkers({ onLoad }, names) {
  onLoad({ filter: /\.ts$/ }, ({ path }) => {
    const source = readFileSync(path, "utf8");
    const rest = source.replace(worker, "").replace(commentLine, "");
    if (rest.includes("import.meta"))
      throw new Error(`${path}: import.meta leads nowhere in the bundle, but to a *-worker.ts`);
    const contents = source.replace(worker, (_, name) => {
      if (!names.includes(name)) throw new Error(`${path}: there is no ${name}.ts`);
      return `new URL("./${name}.js", import.meta.url)`;
    });
    return { contents, loader: "ts" };
  });
}
