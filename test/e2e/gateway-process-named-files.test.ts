// Secrets in files of their own (`${file:PATH}`): a new one is in force when its file has changed,
// however it is put there, and a SIGHUP that finds nothing changed says so and costs nothing.
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { anOperator, ask, askUntil, host, said } from "./gateway-process-fixture.ts";

const inForce = "the changed configuration is in effect";
const nothingChanged = "the configuration and the files it names have not changed";
const before = "the old secret";
const after = "the new secret, all of it";

/** A gateway that lets a program in whose secret lies in `secrets/deploy`. */
async function scene(context: TestContext, reference = "secrets/deploy") {
  const program = { service_token: { name: "deploy" } };
  const operator = await anOperator(context, {
    auth_domain: "login.localhost",
    service_tokens: [
      { id: "deploy", name: "deploy", client_id: "deploy", client_secret: `\${file:${reference}}` },
    ],
    applications: [
      {
        name: "App",
        domain: host,
        policies: [{ name: "deploy", decision: "non_identity", include: [program] }],
      },
    ],
    ingress: [{ service: "http_status:204" }],
  });
  const secrets = join(operator.folder, "secrets");
  mkdirSync(secrets);
  const secret = join(secrets, "deploy");
  writeFileSync(secret, before);
  operator.write({});
  const statusWith = async (clientSecret: string) => {
    const headers = {
      Host: `${host}:${operator.port}`,
      "CF-Access-Client-Id": "deploy",
      "CF-Access-Client-Secret": clientSecret,
    };
    return (await ask({ port: operator.port, headers })).status;
  };
  return { operator, secrets, secret, statusWith };
}

const ways: Record<string, (paths: { secret: string; secrets: string }) => void> = {
  "written in place": ({ secret }) => writeFileSync(secret, after),
  "replaced by a rename"({ secret }) {
    writeFileSync(`${secret}~`, after);
    renameSync(`${secret}~`, secret);
  },
  "removed and written anew"({ secret }) {
    rmSync(secret);
    writeFileSync(secret, after);
  },
  "cut, and filled in two pieces"({ secret }) {
    truncateSync(secret);
    writeFileSync(secret, after.slice(0, 7));
    appendFileSync(secret, after.slice(7));
  },
  "replaced with its whole folder"({ secrets }) {
    mkdirSync(`${secrets}.new`);
    writeFileSync(join(`${secrets}.new`, "deploy"), after);
    renameSync(secrets, `${secrets}.old`);
    renameSync(`${secrets}.new`, secrets);
  },
};

for (const [way, change] of Object.entries(ways))
  test(`a secret in a file of its own is in force soon after the file is ${way}`, async (context) => {
    const { operator, secret, secrets, statusWith } = await scene(context);
    const running = await operator.start();
    assert.equal(await statusWith(before), 204);
    assert.equal(await statusWith(after), 401);
    change({ secret, secrets });
    await said(running, inForce);
    assert.equal(await statusWith(after), 204);
    assert.equal(await statusWith(before), 401);
    assert.doesNotMatch(running.stderr(), /the old secret|the new secret/);
  });

test("a secret behind a link that is switched, as Kubernetes does, is in force soon after", async (context) => {
  const { operator, secrets, statusWith } = await scene(context, "mounted/deploy");
  const mounted = join(operator.folder, "mounted");
  mkdirSync(mounted);
  const version = (name: string, value: string) => {
    mkdirSync(join(mounted, name));
    writeFileSync(join(mounted, name, "deploy"), value);
    symlinkSync(name, join(mounted, "..data_tmp"));
    renameSync(join(mounted, "..data_tmp"), join(mounted, "..data"));
  };
  version("..2026_11_27", before);
  symlinkSync("..data/deploy", join(mounted, "deploy"));
  const running = await operator.start();
  assert.equal(await statusWith(before), 204);
  version("..2026_11_28", after);
  await said(running, inForce);
  assert.equal(await statusWith(after), 204);
  rmSync(secrets, { recursive: true });
});

test("a file that the configuration names since a change is watched as well", async (context) => {
  const { operator, secrets, statusWith } = await scene(context);
  const running = await operator.start();
  const other = join(operator.folder, "other");
  writeFileSync(other, before);
  operator.replace({
    service_tokens: [
      { id: "deploy", name: "deploy", client_id: "deploy", client_secret: `\${file:other}` },
    ],
  });
  await said(running, inForce);
  rmSync(secrets, { recursive: true });
  writeFileSync(other, after);
  await askUntil(
    () => statusWith(after),
    (status) => status === 204,
  );
});

test("a secret whose file is gone changes nothing, and the log names field and file", async (context) => {
  const { operator, secret, statusWith } = await scene(context);
  const running = await operator.start();
  rmSync(secret);
  const { problems } = await said(running, "the changed configuration was not applied");
  assert.match(String(problems), /client_secret: the file secrets\/deploy is empty, too large, or/);
  assert.equal(await statusWith(before), 204);
});

test("SIGHUP, or a file that was only touched, says that nothing has changed, and a change after it counts", async (context) => {
  const { operator, secret, statusWith } = await scene(context);
  const running = await operator.start();
  running.child.kill("SIGHUP");
  await said(running, nothingChanged);
  operator.replace({});
  await said(running, nothingChanged, 2);
  utimesSync(secret, new Date(0), new Date(0));
  await said(running, nothingChanged, 3);
  assert.doesNotMatch(running.stderr(), new RegExp(inForce));
  writeFileSync(secret, after);
  await said(running, inForce);
  assert.equal(await statusWith(after), 204);
  running.child.kill("SIGHUP");
  await said(running, nothingChanged, 4);
});
