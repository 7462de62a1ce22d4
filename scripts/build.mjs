// `npm run build`: each of the two published packages as a bundle without dependencies, and beside
// it the licences of what it contains. The source is run as it is everywhere else.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleGateway } from "./bundle-gateway.mjs";
import { licencesOf } from "./licences.mjs";

const root = join(import.meta.dirname, "..");

await Promise.all([buildCli("packages/cli"), buildGateway("packages/gateway")]);

/** CommonJS, because it starts faster than ES modules (docs/adr/0001). */
async function buildCli(folder) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`${folder}/src/main.ts`],
    outfile: `${folder}/dist/postern.cjs`,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    external: ["@postern/gateway"],
    // From where an optional package is looked for: beside the bundle.
    define: { "import.meta.filename": "__filename" },
    // Half the bytes to read and parse: a few milliseconds of every command (docs/adr/0001).
    minify: true,
    // The file alone is the whole command: it can be copied to wherever PATH leads.
    banner: { js: "#!/usr/bin/env node" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  chmodSync(join(root, folder, "dist/postern.cjs"), 0o755);
  writeLicences(folder, metafile);
}

async function buildGateway(folder) {
  const metafile = await bundleGateway({
    root,
    source: `${folder}/src`,
    target: `${folder}/dist`,
  });
  writeLicences(folder, metafile);
}

function writeLicences(folder, metafile) {
  writeFileSync(join(root, folder, "dist/THIRD-PARTY-LICENSES.txt"), licencesOf(root, metafile));
}
