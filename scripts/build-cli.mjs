// Bundles the CLI into one CommonJS file: CommonJS starts faster than ES modules
// (docs/adr/0001), and one file without dependencies is all that is published.
import { build } from "esbuild";

await build({
  entryPoints: ["packages/cli/src/main.ts"],
  outfile: "packages/cli/dist/postern.cjs",
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  external: ["@postern/gateway"],
  // Half the bytes to read and parse: a few milliseconds of every command (docs/adr/0001).
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
});
