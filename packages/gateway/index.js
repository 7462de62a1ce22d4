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

const source = new URL("./src/main.ts", import.meta.url);
const bundle = new URL("./dist/main.js", import.meta.url);

const gateway = await import(existsSync(source) ? source.href : bundle.href);

export const { runDev, runGateway, checkGateway, rotateKeys, showSshAuthority, runInit } = gateway;
export const { listSessions, revokeSessions } = gateway;
export const { explainAccess, explainRay } = gateway;
export const { administer } = gateway;

const luaFile = fileURLToPath(new URL("./haproxy/postern.lua", import.meta.url));

export const renderProxyConfig = (options) => gateway.renderProxyConfig({ ...options, luaFile });
