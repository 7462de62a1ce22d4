// The oldest Node that is promised (package.json, `engines`): the built file runs there as it is.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { watchProcess } from "../../../test/support/cli.ts";
import { findNode20 } from "../../../test/support/node-20.ts";
import { leaveOut, needs } from "../../../test/support/requirements.ts";
import { startPeer } from "./support/peer.ts";
import { bin, machine } from "./support/terminal.ts";

const node = findNode20();

test(
  "help, login, token, curl, put and the exchange work on Node 20",
  node === undefined ? leaveOut("Node 20") : needs("curl", "wget"),
  async (context) => {
    const peer = await startPeer(context, { hosts: ["app", "other"] });
    const person = machine(context);
    const run = async (...args: string[]) => {
      const running = watchProcess(
        spawn(node ?? "", [bin, ...args], { env: person.environment, cwd: person.directory }),
      );
      running.child.stdin.end("typed");
      const status = await running.ended;
      assert.doesNotMatch(running.stderr(), /Warning|Deprecat|\n\s+at /);
      return { status, stdout: running.stdout(), stderr: running.stderr() };
    };
    const url = peer.origin("app");
    assert.match((await run("--help")).stdout, /^Usage: postern/);
    assert.equal((await run("access", "token", url)).status, 3);
    const login = await run("access", "login", url);
    assert.equal(login.status, 0, login.stderr);
    assert.match((await run("access", "token", url)).stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(
      (await run("access", "curl", "-sS", "-d", "@-", `${url}/x`)).stdout,
      "hello from app.localhost\n",
    );
    assert.equal(peer.forwarded()[0]?.body, "typed");
    assert.match(
      (await run("access", "put", "--via=query", "printf", "%s", `${url}/x`)).stdout,
      /token=/,
    );
    assert.equal((await run("access", "token", peer.origin("other"))).status, 0);
    assert.equal((await run("access", "logout", "--all")).status, 0);
  },
);
