// A disk that takes no more, as a limit on the size of files makes one: the start says what is
// wrong and leaves nothing behind, and a gateway that runs serves those whom it knows, and tells
// the others when to try again.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/until.ts";
import { anOperator, ask, host, openTo, startLimited } from "./gateway-process-fixture.ts";

const root = join(import.meta.dirname, "../..");

async function operatorOf(context: TestContext) {
  const operator = await anOperator(context, openTo("http_status:204"));
  operator.write({ auth_domain: `login.localhost:${operator.port}`, public_ports: [80] });
  return operator;
}

for (const kilobytes of [0, 4, 40])
  test(`a gateway that can write ${kilobytes} kB of its database does not start, and says what to look at`, async (context) => {
    const { file, folder } = await operatorOf(context);
    const running = startLimited(context, kilobytes, file);
    assert.equal(await running.ended, 1);
    // The lines before it warn of the configuration.
    assert.match(
      running.stderr().trimEnd().split("\n").at(-1) ?? "",
      /^postern: the database .*postern\.db cannot be (?:opened|used): the disk (?:is full; free some space|cannot be read or written; check the disk, its quota)[^\n]*$/,
    );
    assert.ok(!existsSync(join(folder, "data", "secret.key")));
  });

test("a secret key that cannot be written leaves nothing behind, and the message says what to do", async (context) => {
  const { folder } = await operatorOf(context);
  const module = join(root, "packages/gateway/src/secrets/secret-key-file.ts");
  const program = `import { loadSecretKey } from ${JSON.stringify(module)};
    try { loadSecretKey(process.argv[1], (length) => Buffer.alloc(length)); }
    catch (error) { console.log(error.message); }`;
  const node = [process.execPath, "--input-type=module", "-e", program];
  const keys = join(folder, "keys");
  const script = 'ulimit -f 0; exec "$0" "$@"';
  for (let start = 0; start < 3; start++) {
    const { stdout } = spawnSync("bash", ["-c", script, ...node, join(keys, "secret.key")]);
    assert.match(String(stdout), /the secret key cannot be created \(EFBIG\); .*ulimit -f/);
  }
  assert.deepEqual(readdirSync(keys), []);
});

test("a gateway whose disk is full serves those whom it knows, and tells who signs in when to try again", async (context) => {
  const { file, port } = await operatorOf(context);
  const running = startLimited(context, 600, file);
  await running.until(/the gateway is up/);
  const poll = (localAddress: string) =>
    new Promise<number>((resolve) => {
      const path = `/transfer/${randomBytes(32).toString("base64url")}=`;
      const headers = { Host: `login.localhost:${port}` };
      const asked = ask({ port, path, localAddress, headers });
      void asked.then(
        ({ status, headers }) => {
          if (status === 503) assert.equal(headers["retry-after"], "5");
          resolve(status);
        },
        () => resolve(0),
      );
    });
  const statuses: number[] = [];
  // Polls that come together share a transaction, and fill little: there are as many as it takes.
  const isFull = () =>
    /"error":"the database: the disk [^"\\]*; nothing was changed"/.test(running.stderr());
  for (let nth = 0; nth < 2_000 && !isFull(); nth++) {
    void poll(`127.0.0.${2 + (nth % 200)}`).then((status) => statuses.push(status));
    await pause(5);
  }
  await until(isFull);
  const application = await ask({ port, headers: { Host: host } });
  assert.equal(application.status, 204);
  assert.equal(running.child.exitCode, null);
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0);
  assert.ok(statuses.includes(503), String(statuses));
  assert.ok(!statuses.includes(500), String(statuses));
});
