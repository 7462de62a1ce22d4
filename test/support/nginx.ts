// A real nginx for one test or one file, from Debian, on a port of this machine.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { accepts } from "./accepts.ts";

const program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].find((path) =>
  existsSync(path),
);

/** What a test that needs nginx lacks on this machine, for `leaveOut`. */
export const missingNginx = program === undefined ? "nginx" : undefined;

/**
 * Starts nginx, and waits until it listens.
 * @param http what stands in the `http` block
 * @returns how to end it
 * @throws {AssertionError} with what nginx said, when it ends instead
 */
export async function startNginx(http: string, port: number): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "postern-nginx-"));
  const file = join(folder, "nginx.conf");
  writeFileSync(file, wholeConfiguration(http, folder));
  const child = spawn(program ?? "nginx", ["-e", "stderr", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  while (!(await accepts(port))) {
    assert.equal(child.exitCode, null, `nginx ended: ${output}`);
    await pause(10);
  }
  return async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}

/** Everything that nginx writes stays in the folder. */
function wholeConfiguration(http: string, folder: string): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return [
    ...["daemon off;", `pid ${folder}/pid;`, "error_log stderr;", "events {}"],
    ...["http {", "access_log off;", ...paths, http, "}"],
  ].join("\n");
}
