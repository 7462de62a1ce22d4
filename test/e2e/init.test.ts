// `postern init`: from its questions, or from flags, to a gateway that protects an application of
// one's own with a provider of one's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { runPostern, startPostern, temporaryHome, watchProcess } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import {
  type IdentityProviderServer,
  startIdentityProvider,
} from "../support/identity-provider.ts";
import { needs } from "../support/requirements.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const program = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
const ada = "ada@example.com";

interface Scene {
  folder: string;
  file: string;
  port: number;
  provider: IdentityProviderServer;
  upstream: Upstream;
}

/** An application and a provider that are somebody's own, and an empty folder. */
async function scene(context: TestContext): Promise<Scene> {
  const folder = temporaryHome(context);
  const port = await freePort();
  const provider = await startIdentityProvider({
    redirectUri: `http://login.localhost:${port}/cdn-cgi/access/callback`,
    accounts: { ada: { email: ada, email_verified: true } },
  });
  const upstream = await startUpstream();
  context.after(async () => {
    await provider.close();
    await upstream.close();
  });
  return { folder, file: join(folder, "postern.yaml"), port, provider, upstream };
}

/** Serves the file that was written, and signs Ada in on the way to the application. */
async function signInThrough(
  context: TestContext,
  { file, folder, port }: Pick<Scene, "file" | "folder" | "port">,
  answer: Record<string, string>,
): Promise<Visitor> {
  const gateway = startPostern(["gateway", "--config", file], { POSTERN_HOME: folder });
  context.after(async () => {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
  });
  await gateway.until(/gateway is up/);
  const visitor = new Visitor();
  await visitor.visit(`http://app.localhost:${port}/`);
  await visitor.press("Single sign-on");
  await visitor.press("Continue", answer);
  return visitor;
}

/** The provider of examples/, as README starts it: what it says of itself. */
async function startExampleProvider(
  context: TestContext,
  gatewayPort: number,
): Promise<{ issuer: string; clientId: string; clientSecret: string }> {
  const args = [
    join(import.meta.dirname, "../../examples/provider/provider.mjs"),
    `--port=${await freePort()}`,
    `--redirect=http://login.localhost:${gatewayPort}/cdn-cgi/access/callback`,
  ];
  const running = watchProcess(spawn(process.execPath, args));
  context.after(() => running.child.kill("SIGKILL"));
  const [, issuer = "", clientId = "", clientSecret = ""] = await running.until(
    /issuer +(\S+)\n +client ID +(\S+)\n +client secret +(\S+)\n/,
  );
  return { issuer, clientId, clientSecret };
}

test("with the provider of examples/, flags alone protect an application of one's own", async (context) => {
  const { folder, file, port, upstream } = await scene(context);
  const provider = await startExampleProvider(context, port);
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, provider.clientSecret);
  const flags = {
    output: file,
    "team-domain": `login.localhost:${port}`,
    provider: "oidc",
    issuer: provider.issuer,
    "client-id": provider.clientId,
    "client-secret-file": secretFile,
    origin: upstream.origin,
    allow: "@example.com",
  };
  const init = await runPostern(
    ["init", ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    {},
  );
  assert.equal(init.status, 0, init.stderr);
  assert.match(init.stderr, /^Wrote .*postern\.yaml\.$/m);
  assert.ok(init.stderr.includes(`Single sign-on answers at ${provider.issuer}.`), init.stderr);
  assert.ok(init.stderr.includes(`http://login.localhost:${port}/cdn-cgi/access/callback`));
  assert.ok(init.stderr.includes(`access curl http://app.localhost:${port}/`));

  const visitor = await signInThrough(context, { folder, file, port }, { email: ada });
  assert.equal(visitor.page.status, 200, visitor.page.text);
  assert.equal(upstream.requests.length, 1);
});

test(
  "on a terminal it asks, shows no secret, says what is wrong with an answer and asks again",
  needs("script"),
  async (context) => {
    const { folder, file, port, provider, upstream } = await scene(context);
    const line = `${process.execPath} ${program} init --output ${file}`;
    const terminal = watchProcess(
      spawn("script", ["-qec", line, "/dev/null"], {
        env: { PATH: process.env["PATH"] ?? "", POSTERN_HOME: folder, TERM: "xterm" },
      }),
    );
    context.after(() => terminal.child.kill("SIGKILL"));
    for (const [question, answer] of [
      [/Team domain, where people sign in \[login\.localhost:8600\]: $/, `login.localhost:${port}`],
      [/pin: $/, "kerberos"],
      [/kerberos is not one of [\s\S]*pin: $/, "oidc"],
      [/openid-configuration: $/, "idp.example"],
      [/idp\.example is not a URL[\s\S]*openid-configuration: $/, provider.issuer],
      [/Client ID: $/, provider.clientId],
      [/empty to type it at the next question: $/, "pasted-by-mistake"],
      [/there is no such file[\s\S]*at the next question: $/, ""],
      [/Client secret; [^:]*: $/, provider.clientSecret],
      [/host\/path \[app\.localhost\]: $/, ""],
      [/as people see it \[app\]: $/, "Orders"],
      [/where it runs now \[http:\/\/127\.0\.0\.1:3000\]: $/, upstream.origin],
      [/everybody there: $/, "example.com"],
      [/example\.com is neither [\s\S]*everybody there: $/, ada],
    ] as const) {
      await terminal.until(
        new RegExp(`${question.source.slice(0, -1)}(?:\\x1b\\[[0-9;]*[A-Za-z])*$`),
      );
      terminal.child.stdin.write(`${answer}\r`);
    }
    assert.equal(await terminal.ended, 0, terminal.stdout());
    assert.ok(!terminal.stdout().includes(provider.clientSecret), terminal.stdout());

    const secretFile = join(folder, "client-secret");
    assert.equal(readFileSync(secretFile, "utf8"), provider.clientSecret);
    assert.equal(statSync(secretFile).mode & 0o777, 0o600);
    const text = readFileSync(file, "utf8");
    assert.ok(!text.includes(provider.clientSecret));
    assert.match(text, /name: Orders/);
    const visitor = await signInThrough(context, { folder, file, port }, { account: "ada" });
    assert.equal(visitor.page.status, 200, visitor.page.text);
  },
);

test(
  "lines pasted beyond an answer are neither shown nor taken, and Ctrl-C leaves nothing behind",
  needs("script"),
  async (context) => {
    const folder = temporaryHome(context);
    const file = join(folder, "postern.yaml");
    const line = `${process.execPath} ${program} init --output ${file}`;
    const terminal = watchProcess(
      spawn("script", ["-qec", line, "/dev/null"], {
        env: { PATH: process.env["PATH"] ?? "", POSTERN_HOME: folder, TERM: "xterm" },
      }),
    );
    context.after(() => terminal.child.kill("SIGKILL"));
    await terminal.until(/Team domain[^\r\n]*: /);
    terminal.child.stdin.write("login.example.com\rsecond-line\rthird");
    await terminal.until(/Certificate file[^\r\n]*: /);
    terminal.child.stdin.write("\r");
    await terminal.until(/Identity provider: [^:]*: /);
    terminal.child.stdin.write("\x03");
    assert.equal(await terminal.ended, 1);
    assert.doesNotMatch(terminal.stdout(), /second-line|third/);
    assert.match(terminal.stdout(), /\npostern: stopped before .*; nothing was written/);
    assert.ok(!existsSync(file));
  },
);

test("a file that is there already is left as it is", async (context) => {
  const folder = temporaryHome(context);
  const file = join(folder, "postern.yaml");
  writeFileSync(file, "mine\n");
  const { status, stderr } = await runPostern(
    ["init", `--output=${file}`, "--provider=google"],
    {},
  );
  assert.equal(status, 1);
  assert.match(stderr, /already exists; move it away, or choose another file with --output/);
  assert.equal(readFileSync(file, "utf8"), "mine\n");
  assert.ok(!existsSync(join(folder, "client-secret")));
});

test("flags that cannot be used are wrong usage (status 2)", async (context) => {
  const file = join(temporaryHome(context), "postern.yaml");
  for (const flags of [["--provider=oicd"], ["--allow=@example.com"], ["--team-domain=a b"]]) {
    const { status, stderr } = await runPostern(["init", `--output=${file}`, ...flags], {});
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^postern: --[\w-]+(?:: | is missing)/);
    assert.ok(!existsSync(file));
  }
});
