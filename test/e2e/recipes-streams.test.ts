// docs/recipes/tools.md: redis-cli through `access tcp`, and rsync through `access ssh`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { bin } from "../../packages/cli/test/support/terminal.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { needsSshd, startSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";
import { runTool, streamScene } from "./access-stream-fixture.ts";

test(
  "redis-cli reaches a server through access tcp",
  needs("redis-server", "redis-cli"),
  async (context) => {
    const port = await freePort();
    const options = [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
    ];
    const server = spawn("redis-server", options, { stdio: "ignore" });
    context.after(() => server.kill("SIGKILL"));
    await until(() => answers(port));
    const scene = await streamScene(context, `tcp://127.0.0.1:${port}`);
    const { port: local } = await scene.listener();
    const redis = (...args: string[]) => runTool("redis-cli", ["-p", `${local}`, ...args]);
    assert.deepEqual(await redis("ping"), { status: 0, output: "PONG\n", errors: "" });
    const value = "x".repeat(100_000);
    assert.equal((await redis("set", "key", value)).output, "OK\n");
    assert.equal((await redis("get", "key")).output, `${value}\n`);
  },
);

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const rsync = needs("rsync");

test(
  "rsync copies a folder through access ssh",
  rsync.skip === undefined ? needsSshd() : rsync,
  async (context) => {
    const sshd = await startSshd(context);
    const { person, host } = await streamScene(context, `ssh://127.0.0.1:${sshd.port}`);
    const [from, to] = [join(person.directory, "site"), join(person.directory, "copy")];
    mkdirSync(join(from, "deep"), { recursive: true });
    writeFileSync(join(from, "deep", "page"), "x".repeat(1_000_000));
    const config = join(person.directory, "ssh-config");
    const lines = [
      "Host box",
      `  User ${sshd.user}`,
      "  HostName db.localhost",
      `  IdentityFile ${sshd.identityFile}`,
      `  ProxyCommand ${process.execPath} ${bin} access ssh --hostname ${host}`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const own = sshd.clientOptions.filter((each) => each !== "-F" && each !== "none");
    const ssh = ["ssh", "-F", config, ...own].join(" ");
    const { status, errors } = await runTool(
      "rsync",
      ["-a", "-e", ssh, `${from}/`, `box:${to}/`],
      person.environment,
    );
    assert.equal(status, 0, errors);
    assert.equal(readFileSync(join(to, "deep", "page"), "utf8").length, 1_000_000);
  },
);
