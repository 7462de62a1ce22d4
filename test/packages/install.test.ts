// What somebody gets who installs the two packages: everything that they need, and it runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import type { Running } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { findNode20 } from "../support/node-20.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { installPackages } from "./installation.ts";

const ada = "ada@example.com";
const node20 = findNode20();
const onNode20 = leaveOut(node20 === undefined ? "Node 20" : undefined);

const installation = installPackages();
after(() => installation.remove());

/** Ends with the test, whatever becomes of it. */
function start(context: TestContext, args: string[], node?: string): Running {
  const running = installation.start(args, node);
  context.after(() => running.child.kill("SIGKILL"));
  return running;
}

async function endOf(
  running: Running,
): Promise<{ status: number; stdout: string; stderr: string }> {
  running.child.stdin.end();
  const status = await running.ended;
  return { status, stdout: running.stdout(), stderr: running.stderr() };
}

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once("error", reject);
  });
}

test(
  "a developer installs both packages, starts postern dev, signs in and calls an API with curl",
  needs("curl"),
  async (context) => {
    const port = await freePort();
    const application = `http://echo.localhost:${port}`;
    const dev = start(context, ["dev", "--port", `${port}`]);
    await dev.until(/Postern is up/);

    const login = start(context, ["access", "login", application, "--no-browser"]);
    const [page] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    const visitor = new Visitor();
    await visitor.visit(page);
    await visitor.press("Send me a code", { email: ada });
    const [, code = ""] = await dev.until(/PIN for \S+: (\d+)/);
    await visitor.press("Sign in", { code });
    await visitor.settle();
    await visitor.press("Approve");
    await visitor.settle();
    assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
    assert.equal((await endOf(login)).status, 0, login.stderr());

    const curl = await endOf(start(context, ["access", "curl", "-sS", `${application}/anything`]));
    assert.equal(curl.status, 0, curl.stderr);
    assert.match(curl.stdout, new RegExp(ada));

    dev.child.kill("SIGTERM");
    assert.equal(await dev.ended, 0, dev.stderr());
  },
);

test("an operator installs both packages, serves a configuration and rotates the keys", async (context) => {
  const port = await freePort();
  writeFileSync(
    join(installation.folder, "postern.yaml"),
    `auth_domain: login.localhost:${port}
listen: 127.0.0.1:${port}
store: sqlite:data/postern.db
secret_key_file: data/secret.key
organization: {name: Example}
identity_providers:
  - {id: pin, name: One-time PIN, type: onetimepin}
smtp: {url: "smtp://127.0.0.1:1", from: postern@example.com}
ingress:
  - {hostname: open.localhost, service: http_status:418}
  - {hostname: app.localhost, service: http://127.0.0.1:9}
  - {service: http_status:404}
applications:
  - name: Orders
    type: self_hosted
    domain: app.localhost
    policies:
      - {name: engineers, decision: allow, include: [{email_domain: {domain: example.com}}]}
  - name: Open
    type: self_hosted
    domain: open.localhost
    policies:
      - {name: everybody, decision: bypass, include: [{everyone: {}}]}
`,
  );
  const gateway = start(context, ["gateway", "--config", "postern.yaml"]);
  await gateway.until(/the gateway is up/);
  const address = `http://127.0.0.1:${port}/`;
  assert.equal(await statusOf(address, `open.localhost:${port}`), 418);
  assert.equal(await statusOf(address, `app.localhost:${port}`), 302, "nobody is let in");

  const rotation = await endOf(start(context, ["keys", "rotate", "--config", "postern.yaml"]));
  assert.deepEqual([rotation.status, rotation.stderr], [0, ""]);
  assert.match(rotation.stdout, /^Signing now: {2}[0-9a-f]{64}\nUntil now: /);

  gateway.child.kill("SIGTERM");
  assert.equal(await gateway.ended, 0, gateway.stderr());
});

test(
  "on Node 20 without a newer one, the gateway says in one line what it needs",
  onNode20,
  async (context) => {
    const { status, stdout, stderr } = await endOf(start(context, ["dev"], node20));
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^postern: the gateway needs Node 24\.21 or newer, but this is Node 20\.[^\n]*\n$/,
    );
  },
);

test(
  "on Node 20, a program that imports the gateway is told in one line what it needs",
  onNode20,
  () => {
    const program = 'import("@postern/gateway").catch(({ message }) => console.log(message))';
    const { stdout, stderr } = spawnSync(node20 ?? "", ["--eval", program], {
      cwd: installation.folder,
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    assert.match(stdout, /^the gateway needs Node 24\.21 or newer, but this is Node 20\.[^\n]*\n$/);
  },
);

for (const { owner, way } of [
  { owner: ".", way: "into a project" },
  { owner: "node_modules/@postern/gateway", way: "globally" },
]) {
  test(
    `on Node 20, the Node 24 that comes with a gateway installed ${way} takes over`,
    onNode20,
    async (context) => {
      const removeNode24 = installation.addNode24(owner);
      if (removeNode24 === undefined) return context.skip("no Node 24 comes for this machine");
      context.after(removeNode24);
      const port = await freePort();
      const dev = start(context, ["dev", "--ephemeral", "--port", `${port}`], node20);
      await dev.until(/Postern is up/);
      dev.child.kill("SIGTERM");
      assert.equal(await dev.ended, 0, dev.stderr());
    },
  );
}

for (const { name, folder, contents } of [
  { name: "postern", folder: "cli", contents: ["dist"] },
  {
    name: "@postern/gateway",
    folder: "gateway",
    contents: ["dist", "haproxy", "index.d.ts", "index.js"],
  },
]) {
  test(`${name} comes with its description, its licence and those of what it contains`, () => {
    const source = join(import.meta.dirname, "../../packages", folder);
    const installed = join(installation.folder, "node_modules", name);
    assert.deepEqual(
      readdirSync(installed).sort(),
      [...contents, "LICENSE", "README.md", "package.json"].sort(),
    );
    const licence = readFileSync(join(installed, "LICENSE"), "utf8");
    assert.equal(licence, readFileSync(join(source, "../../LICENSE"), "utf8"));

    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    assert.equal(manifest.license, "Apache-2.0");
    assert.equal(manifest.engines.node, ">=20.19");
    assert.equal(manifest.repository.directory, `packages/${folder}`);
    for (const field of ["description", "keywords", "homepage", "bugs"])
      assert.ok(manifest[field], field);
    assert.equal(manifest.dependencies, undefined, "the bundle needs nothing beside it");

    const licences = readFileSync(join(installed, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    assert.match(licences, /^@noble\/ciphers 2\.4\.0 \(MIT\)$/m);
    assert.match(licences, /Permission is hereby granted/);
  });
}

test("the gateway brings the same Node 24 as the checkout", () => {
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const root = read(join(import.meta.dirname, "../../package.json"));
  const gateway = read(join(installation.folder, "node_modules/@postern/gateway/package.json"));
  assert.deepEqual(gateway.optionalDependencies, root.optionalDependencies);
});
