// What `@postern/gateway` is when somebody imports it: the bundle, or in a checkout the source.
// Plain JavaScript that any Node reads, so that one that is too old is told so: the program itself
// imports `node:sqlite` before it could say anything.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// In earlier releases node:http2 lacks what the gateway uses, or a client can make it hang.
const oldestMajor = 24;
const oldestMinor = 21;

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  throw new Error(
    `the gateway needs Node ${oldestMajor}.${oldestMinor} or newer, but this is Node ${process.versions.node}; install a newer one`,
  );
}

/** An entry of the bundle, loaded when it is used: who administers needs nothing that serves. */
function load(name) {
  const source = new URL(`./src/${name}.ts`, import.meta.url);
  const bundle = new URL(`./dist/${name}.js`, import.meta.url);
  return import(existsSync(source) ? source.href : bundle.href);
}

export const runDev = async (options) => (await load("main")).runDev(options);
export const runGateway = async (options) => (await load("main")).runGateway(options);
export const checkGateway = async (options) => (await load("main")).checkGateway(options);
export const runInit = async (options) => (await load("main")).runInit(options);

const luaFile = fileURLToPath(new URL("./haproxy/postern.lua", import.meta.url));

export const administer = async (call, output) =>
  (await load("administer")).administer(call, output, luaFile);
