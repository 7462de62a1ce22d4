// A real proxy in a process of its own, with a configuration of the test's: nginx, HAProxy or Caddy
// from Debian.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { accepts } from "./accepts.ts";

/** A proxy that tests start. */
export interface ProxyProgram {
  name: "nginx" | "haproxy" | "caddy";
  /** arguments after which the file of the configuration stands */
  args: readonly string[];
  /** the same to check a configuration and end */
  checkArgs: readonly string[];
  /** a whole configuration around a part of one @param folder that the proxy may write to */
  wrap(part: string, folder: string): string;
}

export const proxyPrograms: Record<ProxyProgram["name"], ProxyProgram> = {
  nginx: {
    name: "nginx",
    args: ["-e", "stderr", "-c"],
    checkArgs: ["-t", "-e", "stderr", "-c"],
    wrap: (part, folder) =>
      `daemon off; pid ${folder}/pid; error_log stderr; events {}\n` +
      `http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;\n` +
      `fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;\n${part} }`,
  },
  haproxy: {
    name: "haproxy",
    args: ["-db", "-f"],
    checkArgs: ["-c", "-f"],
    wrap: (part) => part,
  },
  caddy: {
    name: "caddy",
    args: ["run", "--adapter", "caddyfile", "--config"],
    checkArgs: ["validate", "--adapter", "caddyfile", "--config"],
    wrap: (part) =>
      `{\n  admin off\n  skip_install_trust\n  auto_https disable_redirects\n  servers {\n    protocols h1 h2\n  }\n}\n${part}`,
  },
};

/** Where a program of Debian is; undefined where it is not. */
export function pathOf(program: string): string | undefined {
  const folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** A proxy that runs. */
export interface RunningProxy {
  /** what it has said so far */
  output(): string;
  stop(): Promise<void>;
}

/** Starts a proxy, and resolves when it listens on the port. @returns what it has said so far */
export async function startProxy(
  context: TestContext,
  program: ProxyProgram,
  part: string,
  port: number,
): Promise<() => string> {
  const { output, stop } = await runProxy(program, part, port);
  context.after(stop);
  return output;
}

/**
 * The same for more than one test.
 * @throws {AssertionError} with what it said, when it ends instead
 */
export async function runProxy(
  program: ProxyProgram,
  part: string,
  port: number,
): Promise<RunningProxy> {
  const { folder, file } = writeConfiguration(program, part);
  const child = spawn(pathOf(program.name) ?? "", [...program.args, file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentIn(folder),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill();
    await ended;
    removeFolder(folder);
  };
  while (!(await accepts(port))) {
    assert.equal(child.exitCode, null, `${program.name} ended: ${output}`);
    await pause(20);
  }
  return { output: () => output, stop };
}

/** Lets a proxy check a configuration. @returns what it says; "" where nothing is wrong */
export function checkProxy(context: TestContext, program: ProxyProgram, part: string): string {
  const { folder, file } = writeConfiguration(program, part);
  context.after(() => removeFolder(folder));
  const { status, stdout, stderr } = spawnSync(
    pathOf(program.name) ?? "",
    [...program.checkArgs, file],
    { env: environmentIn(folder), encoding: "utf8" },
  );
  return status === 0 ? "" : stdout + stderr;
}

function writeConfiguration(program: ProxyProgram, part: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "postern-proxy-"));
  const file = join(folder, "proxy.conf");
  writeFileSync(file, program.wrap(part, folder));
  return { folder, file };
}

/** Where Caddy keeps what it makes. */
function environmentIn(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
