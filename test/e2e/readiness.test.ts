// Whether a gateway is ready, asked as a load balancer does, while a part of what it needs is gone:
// its workers, its database, the room on its disk. It is live all the while.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { needsPostgresServer, startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { anOperator, ask, host, openTo, startLimited } from "./gateway-process-fixture.ts";
import { childrenOf, isRunning, startWorkers } from "./workers-fixture.ts";

interface Readiness {
  status: number;
  /** step → why it fails */
  failing: Record<string, string | undefined>;
}

/** Asks the admin listener. */
function probe(port: number) {
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  const readiness = async (): Promise<Readiness> => {
    const answer = await get("/health/ready");
    const { checks } = (await answer.json()) as {
      checks: { name: string; ok: boolean; detail?: string }[];
    };
    const failing = checks.filter(({ ok }) => !ok).map(({ name, detail }) => [name, detail]);
    return { status: answer.status, failing: Object.fromEntries(failing) };
  };
  return {
    isLive: async () => (await get("/health/live")).status === 200,
    /** Waits until it is ready, or is not. */
    async becomes(status: number): Promise<Readiness> {
      let last = await readiness();
      await until(async () => {
        if (last.status !== status) last = await readiness();
        return last.status === status;
      });
      return last;
    },
  };
}

async function withAdmin() {
  const port = await freePort();
  return { ...probe(port), sections: { admin: { listen: `127.0.0.1:${port}` } } };
}

test("a gateway whose workers hang is not ready, and is again when they go on", async (context) => {
  const { sections, becomes, isLive } = await withAdmin();
  const { running } = await startWorkers(context, sections);
  const workers = childrenOf(running.child.pid);
  assert.equal(workers.length, 2);
  await becomes(200);
  // One that is stopped hears of no end.
  context.after(() => tell(workers, "SIGKILL"));
  tell(workers, "SIGSTOP");
  const { failing } = await becomes(503);
  assert.deepEqual(Object.keys(failing), ["listener_1"], JSON.stringify(failing));
  assert.ok(await isLive());
  tell(workers, "SIGCONT");
  await becomes(200);
});

function tell(workers: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of workers.filter(isRunning)) process.kill(pid, signal);
}

test(
  "a gateway whose database is gone is not ready, and is again when it is back",
  needsPostgresServer(),
  async (context) => {
    const { sections, becomes, isLive } = await withAdmin();
    const postgres = await startPostgres(context);
    const ingress = [{ service: "http_status:404" }];
    const gateway = await startGateway({
      sections: { ...sections, store: postgres.url(), ingress },
    });
    context.after(() => gateway.close());
    await becomes(200);
    await postgres.stop("SIGKILL");
    const { failing } = await becomes(503);
    for (const step of ["store", "signing_key"])
      assert.match(failing[step] ?? "", /\w/, JSON.stringify(failing));
    assert.ok(await isLive());
    await postgres.start();
    await becomes(200);
  },
);

test("a gateway whose disk is full is not ready, says so, and serves whom it knows", async (context) => {
  const { sections, becomes, isLive } = await withAdmin();
  const { file, port, write } = await anOperator(context, openTo("http_status:204"));
  write({ auth_domain: `login.localhost:${port}`, public_ports: [80], ...sections });
  const running = startLimited(context, 600, file);
  await running.until(/the gateway is up/);
  await becomes(200);
  let isOver = false;
  const filling = (async () => {
    for (let nth = 0; !isOver; nth++) {
      const path = `/transfer/${randomBytes(32).toString("base64url")}=`;
      const from = { localAddress: `127.0.0.${2 + (nth % 200)}` };
      void ask({ port, path, ...from, headers: { Host: `login.localhost:${port}` } }).catch(
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const { failing } = await becomes(503);
  isOver = true;
  await filling;
  assert.match(failing["store_write"] ?? "", /the disk (?:is full|cannot be read or written)/);
  assert.equal((await ask({ port, headers: { Host: host } })).status, 204);
  assert.ok(await isLive());
});
