// The secret key file is gone, and the store was sealed with it: nobody makes another one, which
// would open nothing and look as if all were well.
import assert from "node:assert/strict";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runPostern, startPostern } from "../support/cli.ts";
import { anOperator, openTo } from "./gateway-process-fixture.ts";

const refusal =
  /^postern: .*secret\.key: the secret key is missing, but the store was sealed with it; restore the file/m;

async function aSealedStore(context: TestContext) {
  const operator = await anOperator(context, openTo("http_status:204"));
  operator.write({ auth_domain: "login.localhost", public_ports: [80] });
  const running = await operator.start();
  running.child.kill("SIGTERM");
  await running.ended;
  const keyFile = join(operator.folder, "data", "secret.key");
  return { operator, keyFile };
}

/** Every command that needs the key. */
const commands = { gateway: ["gateway"], "keys rotate": ["keys", "rotate"] };

for (const [name, command] of Object.entries(commands))
  test(`${name} without the secret key of its store is refused, and makes none`, async (context) => {
    const { operator, keyFile } = await aSealedStore(context);
    renameSync(keyFile, `${keyFile}.backup`);
    const run = () => runPostern([...command, "--config", operator.file], {});
    const { status, stderr } = await run();
    assert.equal(status, 1);
    assert.match(stderr, refusal);
    assert.equal(existsSync(keyFile), false);

    writeFileSync(keyFile, "", { mode: 0o600 });
    const empty = await run();
    assert.equal(empty.status, 1);
    assert.match(empty.stderr, /must be 64 hex characters; restore it from a backup/);

    rmSync(keyFile);
    renameSync(`${keyFile}.backup`, keyFile);
    const rotated = await runPostern(["keys", "rotate", "--config", operator.file], {});
    assert.deepEqual([rotated.status, rotated.stderr], [0, ""]);
  });

test("postern dev without the secret key of its store is refused, and makes none", async (context) => {
  const { folder, port } = await anOperator(context, {});
  const dev = ["dev", "--port", String(port), "--data", folder];
  const sealed = await runDev(context, dev, folder);
  assert.match(sealed, /Postern is up/);
  rmSync(join(folder, "secret.key"));
  const { status, stderr } = await runPostern(dev, { POSTERN_HOME: folder });
  assert.equal(status, 1);
  assert.match(stderr, refusal);
  assert.equal(existsSync(join(folder, "secret.key")), false);
});

test("a store that nobody has used yet gets its secret key", async (context) => {
  const { operator, keyFile } = await aSealedStore(context);
  rmSync(join(operator.folder, "data"), { recursive: true });
  const { status } = await runPostern(["keys", "rotate", "--config", operator.file], {});
  assert.equal(status, 0);
  assert.equal(existsSync(keyFile), true);
});

async function runDev(context: TestContext, command: string[], folder: string): Promise<string> {
  const running = startPostern(command, { POSTERN_HOME: folder });
  context.after(() => running.child.kill("SIGKILL"));
  await running.until(/Postern is up/);
  running.child.kill("SIGTERM");
  await running.ended;
  return running.stdout();
}
