// A gateway from its first moment on, and one that Node 20 started: whoever supervises it knows one
// process, and that one is the gateway.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { watchProcess } from "../support/cli.ts";
import { findNode20 } from "../support/node-20.ts";
import { leaveOut } from "../support/requirements.ts";
import { held, startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  askUntil,
  host,
  openTo,
  said,
  startGateway,
} from "./gateway-process-fixture.ts";

const bin = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
const node20 = findNode20() ?? "node";
const onNode20 = leaveOut(findNode20() === undefined ? "Node 20" : undefined);

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo(upstream.origin));
  operator.write({ auth_domain: "login.localhost", public_ports: [80] });
  const get = () => ask({ port: operator.port, headers: { Host: host } });
  const isServed = () =>
    get().then(
      () => true,
      () => false,
    );
  return { upstream, operator, get, isServed };
}

/** Starts it with Node 20, which looks for a newer one. */
function launch(context: TestContext, file: string) {
  const running = watchProcess(
    spawn(node20, [bin, "gateway", "--config", file], { detached: true }),
  );
  context.after(() => {
    for (const pid of [...childrenOf(running.child), running.child.pid]) tryKill(pid);
  });
  return running;
}

function tryKill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function childrenOf({ pid }: ChildProcess): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        return (
          readFileSync(`/proc/${child}/stat`, "latin1").split(") ")[1]?.split(" ")[1] ===
          String(pid)
        );
      } catch {
        return false;
      }
    });
}

/** Node has begun to run the program: before that no program can do anything about a signal. */
async function handlesHangUp({ pid }: ChildProcess): Promise<void> {
  for (;;) {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const caught = BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(status)?.[1] ?? "0"}`);
    if ((caught & 1n) === 1n) return;
    await pause(5);
  }
}

test("SIGHUP while the gateway starts does not end it, at whatever moment it comes", async (context) => {
  const { operator, get } = await scene(context);
  for (const delay of [0, 100, 200]) {
    const running = startGateway(context, operator.file);
    await handlesHangUp(running.child);
    await pause(delay);
    for (let signals = 0; signals < 5; signals++) running.child.kill("SIGHUP");
    await running.until(/the gateway is up/);
    assert.equal((await get()).status, 200);
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0);
  }
});

test(
  "a gateway that Node 20 started goes along when that is killed, whatever the signal",
  onNode20,
  async (context) => {
    const { operator, get, isServed } = await scene(context);
    for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
      const running = launch(context, operator.file);
      await running.until(/the gateway is up/);
      assert.equal((await get()).status, 200);
      running.child.kill(signal);
      await once(running.child, "exit");
      await askUntil(isServed, (served) => !served);
      // Both have closed their ends of the log.
      await running.ended;
    }
  },
);

test(
  "what is being answered when the launcher is killed is answered to its end",
  onNode20,
  async (context) => {
    const { operator, upstream, get } = await scene(context);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const { answer, release } = held();
      upstream.answerWith(answer);
      const running = launch(context, operator.file);
      await running.until(/the gateway is up/);
      const before = upstream.requests.length;
      const owed = get();
      await upstream.seen(before + 1);
      if (signal === "SIGKILL") running.child.kill(signal);
      // As a supervisor does that signals the whole group.
      else process.kill(-(running.child.pid ?? 0), signal);
      await pause(300);
      release();
      assert.equal((await owed).status, 200, signal);
      await running.ended;
    }
  },
);

test(
  "SIGHUP to the launcher reads the file again, and ends nothing while the gateway starts",
  onNode20,
  async (context) => {
    const { operator, get } = await scene(context);
    const running = launch(context, operator.file);
    await handlesHangUp(running.child);
    running.child.kill("SIGHUP");
    await running.until(/the gateway is up/);
    const before = running.stderr().split("have not changed").length - 1;
    running.child.kill("SIGHUP");
    await said(running, "the configuration and the files it names have not changed", before + 1);
    assert.equal((await get()).status, 200);
  },
);
