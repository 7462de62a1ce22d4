// SSH certificates from end to end: the gateway signs them, `postern keys ssh` prints what sshd has
// to trust, and a real sshd lets people in by them, or does not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { send } from "../../packages/gateway/test/login/person.ts";
import { runPostern, temporaryHome } from "../support/cli.ts";
import { freePort, startGateway, type TestGateway } from "../support/gateway.ts";
import { makeSshKey, needsSshd, startSshd, type TestSshd } from "../support/sshd.ts";
import { startUpstream } from "../support/upstream.ts";

const run = promisify(execFile);
const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const forUs = { email_domains: ["example.com"] };

function application(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, domain: `${name}.localhost`, policies: everybody, ...more };
}

interface Scene {
  folder: string;
  gateway: TestGateway;
  /** `postern keys ssh`, beside the gateway, for the application of this name */
  keysSsh(
    name: string,
    ...more: string[]
  ): Promise<{ status: number; stdout: string; stderr: string }>;
  /**
   * A key of one's own and a certificate for it, as this person gets it from the gateway.
   * @returns the file of the private key; the certificate is where `ssh` looks for it
   */
  certified(person: string, name?: string): Promise<string>;
}

/** A gateway on a store that other processes can open, too. */
async function scene(context: TestContext): Promise<Scene> {
  const folder = temporaryHome(context);
  const upstream = await startUpstream();
  const secretKey = randomBytes(32);
  const store = join(folder, "postern.db");
  const secret_key_file = join(folder, "secret.key");
  writeFileSync(secret_key_file, secretKey.toString("hex"), { mode: 0o600 });
  const port = await freePort();
  const sections = {
    organization: { name: "Test" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: upstream.origin }],
    applications: [
      application("builds", { ssh_certificates: forUs }),
      application("other", { ssh_certificates: forUs }),
      application("bare", { ssh_certificates: { ...forUs, extensions: [] } }),
      application("tunnels", {
        ssh_certificates: { ...forUs, extensions: ["permit-port-forwarding"] },
      }),
      application("wiki"),
      application("twins"),
      { ...application("twins"), domain: "twin.localhost" },
    ],
  };
  const gateway = await startGateway({ port, store, secretKey, sections });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const file = join(folder, "postern.yaml");
  const settings = {
    auth_domain: `login.localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    store: `sqlite:${store}`,
    secret_key_file,
  };
  writeFileSync(file, JSON.stringify({ ...settings, ...sections }));
  return {
    folder,
    gateway,
    keysSsh: (name, ...more) =>
      runPostern(["keys", "ssh", "--application", name, ...more, "--config", file], {
        POSTERN_HOME: join(folder, "home"),
      }),
    async certified(person, name = "builds") {
      const key = join(folder, `key-${randomBytes(4).toString("hex")}`);
      const certificate = await certificateFor(gateway, makeSshKey(key, "ecdsa:256"), person, name);
      writeFileSync(`${key}-cert.pub`, certificate);
      return key;
    },
  };
}

async function certificateFor(
  { parts, team, aud }: TestGateway,
  public_key: string,
  person: string,
  name: string,
): Promise<string> {
  const session = await parts.sessions.start({
    kind: "terminal",
    identity: {
      email: `${person}@example.com`,
      name: person,
      idp: { id: "pin", type: "onetimepin" },
      groups: [],
      oidc_fields: {},
      amr: [],
      ip: "127.0.0.1",
      country: "",
      iat: Math.floor(parts.now() / 1000),
    },
    userAgent: "test",
    lifetimeMs: 36e5,
  });
  const found = parts.catalogs.current().applicationByAud.get(aud(`${name}.localhost`));
  assert.ok(found !== undefined, name);
  const jwt = await parts.tokens.issueApp(session, found, 36e5);
  const answer = await send(`${team}/cdn-cgi/access/cert_sign`, {
    method: "POST",
    body: JSON.stringify({ public_key, jwt, issuer: team }),
  });
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).certificate;
}

/** A server that trusts the authority of `builds`, for Ada and whoever shares her account. */
async function serverFor(context: TestContext, { folder, keysSsh }: Scene): Promise<TestSshd> {
  const { status, stdout, stderr } = await keysSsh("builds");
  assert.deepEqual([status, stderr], [0, ""]);
  writeFileSync(join(folder, "authority.pub"), stdout);
  writeFileSync(join(folder, "principals"), "ada\ngrace\n");
  return startSshd(context, {
    settings: [
      `TrustedUserCAKeys ${join(folder, "authority.pub")}`,
      `AuthorizedPrincipalsFile ${join(folder, "principals")}`,
      "AuthorizedKeysFile none",
    ],
  });
}

/** Runs a command there. @param options further ones of `ssh` */
function ssh(server: TestSshd, key: string, command: string[], options: string[] = []) {
  const { clientOptions, port, user } = server;
  const where = ["-i", key, "-p", String(port), `${user}@127.0.0.1`];
  return run("ssh", [...clientOptions, ...options, ...where, ...command]);
}

const refused = /Permission denied \(publickey\)/;

test(
  "a person logs in and copies files by a certificate, and sshd's log leads to the gateway's",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const server = await serverFor(context, all);
    const key = await all.certified("ada");
    assert.equal((await ssh(server, key, ["id", "-un"])).stdout, `${server.user}\n`);
    const terminal = await ssh(server, key, ["tty"], ["-tt"]);
    assert.match(terminal.stdout, /\/dev\/pts/, "with a terminal, where wanted");

    const [from, to] = [join(all.folder, "from"), join(all.folder, "to")];
    writeFileSync(from, randomBytes(1_000_000));
    const target = `${server.user}@127.0.0.1:${to}`;
    await run("scp", [...server.clientOptions, "-i", key, "-P", String(server.port), from, target]);
    assert.ok(readFileSync(from).equals(readFileSync(to)));

    const event = all.gateway.events.find(({ event: name }) => name === "ssh_certificate_signed");
    assert.ok(event?.event === "ssh_certificate_signed");
    const line = `ID ada@example.com/${event.ray} (serial ${event.serial}) CA ECDSA SHA256:`;
    assert.ok(server.log().includes(line), server.log());
    assert.ok(server.log().includes(event.key), "the fingerprint of the key");
  },
);

test(
  "sshd refuses a certificate for somebody else, one of another application, and none",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const server = await serverFor(context, all);
    const bobs = await all.certified("bob");
    const others = await all.certified("ada", "other");
    const none = join(all.folder, "none");
    makeSshKey(none);
    const strangers = await all.certified("ada");
    makeSshKey(join(all.folder, "another"), "ecdsa:256");
    const another = readFileSync(join(all.folder, "another"));
    writeFileSync(strangers, another);
    for (const [what, key] of Object.entries({ bobs, others, none, strangers }))
      await assert.rejects(ssh(server, key, ["id"]), refused, what);
    assert.match(server.log(), /Certificate does not contain an authorized principal/i);
    await ssh(server, await all.certified("grace"), ["id"]);
  },
);

test(
  "sshd refuses a certificate that has run out, and takes one from a clock that is ahead",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const server = await serverFor(context, all);
    all.gateway.clock.stepped = -10 * 60_000;
    await assert.rejects(ssh(server, await all.certified("ada"), ["id"]), refused);
    assert.match(server.log(), /expired/);
    all.gateway.clock.stepped = 2 * 60_000;
    await ssh(server, await all.certified("ada"), ["id"]);
  },
);

test(
  "a certificate opens no tunnel, and a terminal, unless the application says so",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const server = await serverFor(context, all);
    const forward = ["-W", `127.0.0.1:${server.port}`];
    const plain = await all.certified("ada");
    await assert.rejects(
      ssh(server, plain, [], forward),
      /forwarding failed|administratively prohibited/,
    );

    const lines = await Promise.all(["builds", "tunnels", "bare"].map((name) => all.keysSsh(name)));
    writeFileSync(join(all.folder, "authority.pub"), lines.map(({ stdout }) => stdout).join(""));
    const tunnel = ssh(server, await all.certified("ada", "tunnels"), [], forward);
    tunnel.child.stdin?.end();
    assert.match((await tunnel).stdout, /^SSH-2\.0-OpenSSH/);
    const bare = await all.certified("ada", "bare");
    await assert.rejects(ssh(server, bare, ["tty"], ["-tt"]), /PTY allocation request failed/);
    await ssh(server, bare, ["id"]);
  },
);

test(
  "processes that need the authority at once all get the same one",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const [certificate, ...printed] = await Promise.all([
      all.certified("ada"),
      ...Array.from({ length: 4 }, () => all.keysSsh("builds")),
    ]);
    const [first] = printed;
    assert.match(first?.stdout ?? "", /^ecdsa-sha2-nistp256 \S+ builds\.localhost\n$/);
    assert.deepEqual(new Set(printed.map(({ stdout }) => stdout)), new Set([first?.stdout]));
    const file = join(all.folder, "authority.pub");
    writeFileSync(file, first?.stdout ?? "");
    const fingerprint = (await run("ssh-keygen", ["-l", "-f", file])).stdout.split(" ")[1] ?? "-";
    const listed = await run("ssh-keygen", ["-L", "-f", `${certificate}-cert.pub`]);
    assert.ok(listed.stdout.includes(`Signing CA: ECDSA ${fingerprint} `));
  },
);

test(
  "an authority that is replaced signs nothing more, and servers take the new one once they know it",
  needsSshd(),
  async (context) => {
    const all = await scene(context);
    const server = await serverFor(context, all);
    const old = await all.certified("ada");
    const replaced = await all.keysSsh("builds", "--replace");
    assert.deepEqual([replaced.status, replaced.stderr], [0, ""]);
    assert.deepEqual(await all.keysSsh("builds"), replaced, "it stays");

    await assert.rejects(ssh(server, await all.certified("ada"), ["id"]), refused);
    await ssh(server, old, ["id"]);
    writeFileSync(join(all.folder, "authority.pub"), replaced.stdout);
    await ssh(server, await all.certified("ada"), ["id"]);
    await assert.rejects(ssh(server, old, ["id"]), refused);
  },
);

test("`postern keys ssh` finds an application by name, id and domain, and says what to write otherwise", async (context) => {
  const { keysSsh } = await scene(context);
  const byName = await keysSsh("builds");
  const byDomain = await keysSsh("builds.localhost");
  assert.deepEqual(byDomain, byName);
  for (const [name, says] of [
    ["bulids", /^postern: no application "bulids" is in effect, but builds, other, .*; a new one/],
    ["", /^postern: no application "" is in effect/],
    [
      "wiki",
      /^postern: the application "wiki" signs no SSH certificates; add ssh_certificates: \{/,
    ],
    [
      "twins",
      /^postern: several applications are "twins"; name one by its domain: twins\.localhost, twin\.localhost$/m,
    ],
  ] as const) {
    const { status, stdout, stderr } = await keysSsh(name);
    assert.deepEqual([status, stdout], [2, ""], name);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});
