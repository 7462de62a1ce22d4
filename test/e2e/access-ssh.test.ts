// A plain `ssh` through the gateway with a short-lived certificate, configured by what
// `access ssh-config` prints: the built command line, a real ssh and a real sshd.
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SshAuthorities } from "../../packages/gateway/src/ssh/authorities.ts";
import { publicKeyLine } from "../../packages/gateway/src/ssh/public-key.ts";
import {
  application,
  everybody,
  machines,
  open,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { findNode20 } from "../support/node-20.ts";
import { leaveOut } from "../support/requirements.ts";
import { needsSshd, startSshd } from "../support/sshd.ts";
import { runTool, type StreamScene, streamScene } from "./access-stream-fixture.ts";

const bundle = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");

function certifying(settings: Record<string, unknown> = {}) {
  const ssh_certificates = { email_domains: ["example.com"], ...settings };
  return [application("db", [everybody, machines], { ssh_certificates })];
}

function signedBy({ fixture }: StreamScene): number {
  return fixture.events.filter(({ event }) => event === "ssh_certificate_signed").length;
}

/** An sshd that the application `db` leads to, and that trusts its certificates alone. */
async function sshdBehind(context: TestContext, scene: StreamScene) {
  const { parts } = scene.fixture;
  const { store, secretBox, now } = parts;
  const authorities = new SshAuthorities({ store: store.sshAuthorities, secretBox, now });
  const { publicKey } = await authorities.of(scene.application("db").aud);
  const file = (name: string) => join(scene.person.directory, name);
  writeFileSync(file("authority.pub"), publicKeyLine(publicKey));
  writeFileSync(file("principals"), "ada");
  const sshd = await startSshd(context, {
    settings: [
      `TrustedUserCAKeys ${file("authority.pub")}`,
      `AuthorizedPrincipalsFile ${file("principals")}`,
      "AuthorizedKeysFile none",
    ],
  });
  await scene.fixture.change({
    applications: certifying(),
    ingress: [{ service: `ssh://127.0.0.1:${sshd.port}` }],
  });
  return sshd;
}

const oldNode = findNode20();

for (const [version, node] of [
  ["Node 24", process.execPath],
  ["Node 20", oldNode],
] as const) {
  test(`ssh logs in by what ssh-config prints, whatever spaces the paths have, on ${version}`, {
    ...needsSshd(),
    ...(node === undefined ? leaveOut("Node 20") : {}),
  }, async (context) => {
    const scene = await streamScene(context, "http_status:404", { applications: certifying() });
    const sshd = await sshdBehind(context, scene);
    const { person, host } = scene;

    // 1. The program in one folder with spaces, its files in another.
    const folder = join(person.directory, "my own programs");
    mkdirSync(folder);
    const program = join(folder, "postern 100%.cjs");
    copyFileSync(bundle, program);
    const home = join(person.directory, "Application Support", "postern");
    const environment = { ...person.environment, POSTERN_HOME: home };
    mkdirSync(join(person.directory, "Application Support"));
    await scene.signIn(home);

    // 2. What is printed is a configuration as it is.
    const args = [program, "access", "ssh-config", "--hostname", host, "--short-lived-cert"];
    const printed = await runTool(node ?? "", args, environment);
    assert.equal(printed.status, 0, printed.errors);
    assert.equal(printed.errors, "Add this to ~/.ssh/config:\n");
    const config = join(person.directory, "ssh_config");
    writeFileSync(config, printed.output);
    const flags = ["-F", config, ...sshd.clientOptions.slice(2)];
    const ssh = (...command: string[]) =>
      runTool("ssh", [...flags, `${sshd.user}@db.localhost`, ...command], environment);

    // 3. A login fetches a certificate, and the next one uses it.
    const login = await ssh("id -un; exit 7");
    assert.deepEqual([login.status, login.output], [7, `${sshd.user}\n`], login.errors);
    assert.equal((await ssh("true")).status, 0);
    assert.equal(signedBy(scene), 1);
    assert.match(sshd.log(), /ID ada@example\.com\//);

    // 4. Key and certificate are for their owner alone.
    const key = join(home, "ssh", "default", `${encodeURIComponent(host)}-key`);
    for (const file of [key, `${key}.pub`, `${key}-cert.pub`])
      assert.equal(lstatSync(file).mode & 0o777, 0o600, file);
    assert.match(readFileSync(key, "utf8"), /^-----BEGIN EC PRIVATE KEY-----/);
  });
}

test("without --short-lived-cert the block is the way alone, and a pattern keeps its place for names", async (context) => {
  const { person } = await streamScene(context, "http_status:404");
  const config = async (...flags: string[]) => {
    const answer = await person.run(["access", "ssh-config", ...flags]);
    assert.equal(answer.status, 0, answer.stderr);
    return answer.stdout.replace(/node \S+postern\.cjs/g, "postern");
  };
  assert.equal(
    await config("--hostname", "box.example.com"),
    "Host box.example.com\n  ProxyCommand postern access ssh --hostname %h\n",
  );
  const folder = join(person.home, "ssh", "work");
  assert.equal(
    await config("--hostname", "*.example.com", "--short-lived-cert", "--profile", "work"),
    [
      "Host *.example.com",
      "  ProxyCommand postern access ssh --hostname %h --profile work",
      'Match host *.example.com exec "postern access ssh-gen --hostname %h --profile work"',
      `  IdentityFile ${folder}/%h-key`,
      `  CertificateFile ${folder}/%h-key-cert.pub`,
      "",
    ].join("\n"),
  );
  for (const host of ["box example", "box;id", "$(id)", "ssh://box"]) {
    const answer = await person.run(["access", "ssh-config", "--hostname", host]);
    assert.deepEqual([answer.status, answer.stdout], [2, ""], host);
  }
});

test("ssh-gen says where the key is, and of many at once one asks the gateway", async (context) => {
  const scene = await streamScene(context, "http_status:404", { applications: certifying() });
  const { person, host } = scene;
  const args = ["access", "ssh-gen", "--hostname", host];
  const all = await Promise.all(Array.from({ length: 6 }, () => person.run(args)));
  const key = join(person.home, "ssh", "default", `${encodeURIComponent(host)}-key`);
  for (const { status, stdout, stderr } of all)
    assert.deepEqual([status, stdout], [0, `${key}\n`], stderr);
  assert.equal(signedBy(scene), 1);

  // Another one once it is gone; the key stays.
  const before = readFileSync(key, "utf8");
  rmSync(`${key}-cert.pub`);
  assert.equal((await person.run(args)).status, 0);
  assert.equal(readFileSync(key, "utf8"), before);
  assert.equal(signedBy(scene), 2);

  // Another person's sign-in gets another certificate.
  await scene.signIn(person.home, "bob@example.com");
  rmSync(join(person.home, "tokens", "default"), { recursive: true });
  await scene.signIn(person.home, "bob@example.com");
  assert.equal((await person.run(args)).status, 0);
  assert.equal(signedBy(scene), 3);
});

test("ssh-gen is refused in one line and stores nothing where no certificate is to be had", async (context) => {
  const cases: [applications: Record<string, unknown>[], status: number, says: RegExp][] = [
    [[application("db", [everybody])], 1, /no SSH certificate for db\.localhost:\d+ from \S+: /],
    [certifying({ email_domains: ["example.org"] }), 4, /no SSH certificate for/],
    [[application("db", [open])], 1, /there is nobody to certify/],
  ];
  for (const [applications, status, says] of cases) {
    const { person, host } = await streamScene(context, "http_status:404", { applications });
    const answer = await person.run(["access", "ssh-gen", "--hostname", host]);
    assert.deepEqual([answer.status, answer.stdout], [status, ""], answer.stderr);
    assert.match(answer.stderr, says);
    const key = join(person.home, "ssh", "default", `${encodeURIComponent(host)}-key`);
    assert.ok(!existsSync(`${key}-cert.pub`));
  }
  const scene = await streamScene(context, "http_status:404", {
    applications: certifying(),
    isSignedIn: false,
  });
  const args = ["access", "ssh-gen", "--hostname", scene.host];
  assert.equal((await scene.person.run(args)).status, 3);
  const token = ["--service-token-id", "robot.access", "--service-token-secret", "secret"];
  const machine = await scene.person.run([...args, ...token]);
  assert.equal(machine.status, 2);
  assert.match(machine.stderr, /certificates are for people alone/);
  assert.deepEqual(scene.person.opened(), []);
  assert.equal(signedBy(scene), 0);
});
