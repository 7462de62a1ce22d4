// What `@postern/gateway` is when somebody imports it: the bundle, or in a checkout the source.
// Plain JavaScript that any Node reads, so that one that is too old is told so: the program itself
// imports `node:sqlite` before it could say anything.
import { existsSync } from "node:fs";

const oldestNode = 24;

if (Number.parseInt(process.versions.node, 10) < oldestNode) {
  throw new Error(
    `the gateway needs Node ${oldestNode} or newer, but this is Node ${process.versions.node}; install a newer one`,
  );
}

const source = new URL("./src/main.ts", import.meta.url);
const bundle = new URL("./dist/main.js", import.meta.url);

export const { runDev, runGateway, checkGateway, rotateKeys, showSshAuthority, runInit } =
  await import(existsSync(source) ? source.href : bundle.href);
