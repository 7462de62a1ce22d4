// `access git setup`, and then git as everybody types it: against git's own http-backend and an LFS
// server behind a gateway, with no other configuration than the setup's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { letTimePass } from "../../packages/cli/test/support/stored-moments.ts";
import type { Finished } from "../../packages/cli/test/support/terminal.ts";
import { accepts } from "../support/accepts.ts";
import { simpleSections } from "../support/gateway.ts";
import { gitEnvironment } from "../support/git.ts";
import { createForge } from "../support/git-forge.ts";
import { rawExchange } from "../support/raw-request.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { runUntilEnd } from "./run-until-end.ts";

async function scene(context: TestContext) {
  const forge = createForge(context);
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  upstream.answerWith(forge.answer);
  const hosts = ["git.localhost", "other.localhost"];
  const place = await signedInMachine(context, {
    sections: simpleSections(upstream.origin, hosts),
  });
  const { person, gateway } = place;
  const url = gateway.origin("git.localhost");
  forge.address = url;
  const { GIT_CONFIG_GLOBAL: _, ...identity } = gitEnvironment;
  const environment = { ...identity, ...person.environment, GIT_TERMINAL_PROMPT: "0" };
  const git = (args: string[], folder = person.directory, more: Record<string, string> = {}) =>
    runUntilEnd("git", args, { cwd: folder, env: { ...environment, ...more } });
  return { ...place, forge, upstream, url, git };
}

async function succeeds(running: Promise<Finished>): Promise<string> {
  const { status, stdout, stderr } = await running;
  assert.equal(status, 0, stderr);
  return stdout;
}

test(
  "after the setup git clones, fetches and pushes by the forge's own address",
  needs("git"),
  async (context) => {
    const { forge, upstream, url, git, person } = await scene(context);
    forge.create("team", "hello\n");
    const setup = await person.run(["access", "git", "setup", url]);
    assert.equal(setup.status, 0, setup.stderr);
    assert.match(setup.stdout, /^\[url "http:\/\/127\.0\.0\.1:\d+\/"\]\n\tinsteadOf = "http:/m);
    assert.match(setup.stderr, /git's configuration includes .*\/git\/config:/);

    await succeeds(git(["clone", "-q", `${url}/team.git`, "work"]));
    const work = join(person.directory, "work");
    assert.equal(readFileSync(join(work, "file"), "utf8"), "hello\n");
    assert.equal(await succeeds(git(["config", "remote.origin.url"], work)), `${url}/team.git\n`);
    writeFileSync(join(work, "file"), "changed\n");
    await succeeds(git(["commit", "-qam", "Second"], work));
    await succeeds(git(["push", "-q", "origin", "HEAD"], work));
    await succeeds(git(["fetch", "-q"], work));
    // Without `.git` the forge redirects to its own whole address.
    const listed = await succeeds(git(["ls-remote", `${url}/team`]));
    assert.match(listed, /^[0-9a-f]{40}\tHEAD$/m);
    for (const request of upstream.requests) {
      assert.equal(request.header("cf-access-token"), undefined);
      assert.equal(request.header("host"), new URL(url).host);
    }
    assert.deepEqual(person.opened(), []);
  },
);

test(
  "large files go by Git LFS, up and down, whatever addresses the forge names its objects by",
  needs("git", "git-lfs"),
  async (context) => {
    const { forge, url, git, person, upstream } = await scene(context);
    forge.create("team", "hello\n");
    forge.password = "forge-secret";
    const asks = await passwordHelper(person.directory, url, "forge-secret");
    await succeeds(person.run(["access", "git", "setup", url]));
    await succeeds(git(["config", "--global", `credential.${url}.helper`, asks]));
    await succeeds(git(["lfs", "install"]));

    await succeeds(git(["clone", "-q", `${url}/team.git`, "work"]));
    const work = join(person.directory, "work");
    await succeeds(git(["lfs", "track", "*.bin"], work));
    const large = randomBytes(3_000_000);
    writeFileSync(join(work, "large.bin"), large);
    await succeeds(git(["add", "."], work));
    await succeeds(git(["commit", "-qm", "Large"], work));
    await succeeds(git(["push", "-q", "origin", "HEAD"], work));
    assert.equal(forge.verified.length, 1);

    await succeeds(git(["clone", "-q", `${url}/team.git`, "again"]));
    assert.ok(readFileSync(join(person.directory, "again", "large.bin")).equals(large));
    const basic = `Basic ${Buffer.from("ada:forge-secret").toString("base64")}`;
    const bearing = upstream.requests.filter(
      (request) => request.header("authorization") === basic,
    );
    assert.ok(bearing.length > 5, "the forge's own password reaches the forge");
    assert.ok(bearing.some(({ url: path }) => path.includes("/info/lfs/objects/batch")));
  },
);

/** A program that git asks for passwords, which knows the one of the forge, by the forge's name. */
async function passwordHelper(folder: string, url: string, password: string): Promise<string> {
  const file = join(folder, "password-helper");
  const { host } = new URL(url);
  const lines = [
    "#!/bin/sh",
    `echo "$1" >> '${file}.log'`,
    `grep -q '^host=${host}$' || exit 0`,
    `[ "$1" = get ] && printf 'username=ada\\npassword=%s\\n' '${password}'`,
    "exit 0",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o755 });
  return file;
}

test(
  "the forge's own password is asked for under the forge's name, kept there, and dropped when it is wrong",
  needs("git"),
  async (context) => {
    const { forge, url, git, person, upstream } = await scene(context);
    forge.create("team", "hello\n");
    forge.password = "another";
    const store = join(person.directory, "passwords");
    await succeeds(git(["config", "--global", "credential.helper", `store --file ${store}`]));
    await succeeds(person.run(["access", "git", "setup", url]));
    const { protocol, host } = new URL(url);
    writeFileSync(store, `${protocol}//ada:wrong@${host}\n`);
    const refused = await git(["ls-remote", `${url}/team.git`]);
    assert.notEqual(refused.status, 0);
    assert.equal(readFileSync(store, "utf8"), "", "the wrong one is forgotten");

    const askpass = join(person.directory, "askpass");
    const asked = join(person.directory, "asked");
    const answer = 'case "$1" in Username*) echo ada;; *) echo another;; esac';
    writeFileSync(askpass, `#!/bin/sh\necho "$1" >> '${asked}'\n${answer}\n`, { mode: 0o755 });
    await succeeds(
      git(["ls-remote", `${url}/team.git`], person.directory, { GIT_ASKPASS: askpass }),
    );
    assert.ok(readFileSync(asked, "utf8").includes(`Username for '${protocol}//${host}'`));
    const [name, port] = host.split(":");
    assert.equal(readFileSync(store, "utf8"), `${protocol}//ada:another@${name}%3a${port}\n`);
    await succeeds(git(["ls-remote", `${url}/team.git`]));
    assert.ok(
      upstream.requests.every((request) => request.header("proxy-authorization") === undefined),
    );
  },
);

const runsAsRoot = process.getuid?.() === 0 && process.platform === "linux";

test(
  "another user who listens at the forge's port gets no password that is stored for the forge (C9)",
  runsAsRoot ? needs("git", "bash") : leaveOut("root, to run as another user"),
  async (context) => {
    const { url, git, person } = await scene(context);
    const store = join(person.directory, "passwords");
    await succeeds(git(["config", "--global", "credential.helper", `store --file ${store}`]));
    const { protocol, host } = new URL(url);
    writeFileSync(store, `${protocol}//ada:another@${host}\n`);
    const setup = await person.run(["access", "git", "setup", url]);
    const [, port = ""] = /127\.0\.0\.1:(\d+)/.exec(setup.stdout) ?? [];
    // As Git LFS asks, whose own connections start nothing.
    const asked = `protocol=http\\nhost=127.0.0.1:${port}\\n\\n`;
    const fill = () => git(["-c", `alias.fill=!printf '${asked}' | git credential fill`, "fill"]);
    const unserved = await fill();
    assert.doesNotMatch(unserved.stdout, /another/);
    assert.match(unserved.stderr, /port \d+ is not served; run git fetch first/);

    // What listens at every address of IPv6 may serve 127.0.0.1 as well.
    for (const address of ["127.0.0.1", "::"]) {
      const listen = `require("node:net").createServer().listen(${port}, "${address}")`;
      const stranger = spawn(process.execPath, ["-e", listen], { uid: 65_534, gid: 65_534 });
      context.after(() => stranger.kill());
      await until(() => accepts(Number(port)));
      for (const refused of [await fill(), await git(["ls-remote", `${url}/team.git`])]) {
        assert.notEqual(refused.status, 0);
        assert.doesNotMatch(refused.stdout, /another/);
        assert.match(refused.stderr, /port \d+ (?:belongs to another user|is not served)/);
      }
      stranger.kill();
      await until(async () => !(await accepts(Number(port))));
    }
  },
);

test(
  "two forges are reached side by side, and one is taken away without the other",
  needs("git"),
  async (context) => {
    const { forge, url, git, person, gateway } = await scene(context);
    forge.create("team", "hello\n");
    const other = gateway.origin("other.localhost");
    const config = join(person.directory, ".gitconfig");
    writeFileSync(config, "# mine\n[alias]\n\tst = status\n");
    const before = readFileSync(config, "utf8");
    const { stdout } = await person.run(["access", "git", "setup", url, `${other}/deep`]);
    await succeeds(git(["ls-remote", `${url}/team.git`]));
    // The address is of another host, by its own port.
    forge.address = other;
    assert.notEqual((await git(["ls-remote", `${other}/deep/team.git`])).status, 0, "not there");
    const again = await person.run(["access", "git", "setup", url]);
    const ports = (text: string) => [...new Set(text.match(/127\.0\.0\.1:\d+/g))].toSorted();
    assert.deepEqual(ports(again.stdout), ports(stdout), "each keeps its port");
    assert.equal(ports(stdout).length, 2);
    await succeeds(person.run(["access", "git", "setup", "--remove", `${other}/deep/`]));
    await succeeds(git(["ls-remote", `${url}/team.git`]));
    await succeeds(person.run(["access", "git", "setup", "--remove"]));
    assert.equal(readFileSync(config, "utf8").trimEnd(), before.trimEnd());
    assert.equal(existsSync(join(person.home, "git", "config")), false);
    const none = await person.run(["access", "git", "setup"]);
    assert.match(none.stderr, /No forge is set up/);
  },
);

test(
  "whoever is not signed in is told so by git, and nothing reaches the forge",
  needs("git"),
  async (context) => {
    const { forge, url, git, person, endSession, session, upstream } = await scene(context);
    forge.create("team", "hello\n");
    await succeeds(person.run(["access", "git", "setup", url]));
    await succeeds(git(["ls-remote", `${url}/team.git`]));
    await endSession(session);
    letTimePass(person.home);
    const seen = upstream.requests.length;
    const refused = await git(["ls-remote", `${url}/team.git`]);
    assert.notEqual(refused.status, 0);
    assert.match(
      refused.stderr,
      /postern: not signed in to http.*sign in with: postern access login/,
    );
    assert.match(refused.stderr, /told us to quit/);
    assert.doesNotMatch(refused.stderr, /could not read Username/);
    assert.equal(upstream.requests.length, seen, "nothing reached the forge");
  },
);

test(
  "what stands in for the forge is started again when it is gone, and ends when the forge is taken away",
  needs("git"),
  async (context) => {
    const { forge, url, git, person } = await scene(context);
    forge.create("team", "hello\n");
    const { stdout } = await person.run(["access", "git", "setup", url]);
    const [, port = ""] = /127\.0\.0\.1:(\d+)/.exec(stdout) ?? [];
    assert.equal(await accepts(Number(port)), false, "nothing runs before git needs it");
    const many = Array.from({ length: 6 }, () => git(["ls-remote", `${url}/team.git`]));
    for (const each of many) await succeeds(each);
    assert.equal(await accepts(Number(port)), true);
    await succeeds(person.run(["access", "git", "setup", "--remove"]));
    await until(async () => !(await accepts(Number(port))));
  },
);

test(
  "what stands in for the forge stands in for nothing else (case W5)",
  needs("git"),
  async (context) => {
    const { forge, url, git, person, upstream } = await scene(context);
    forge.create("team", "hello\n");
    const { stdout } = await person.run(["access", "git", "setup", url]);
    const [, port = ""] = /127\.0\.0\.1:(\d+)/.exec(stdout) ?? [];
    await succeeds(git(["ls-remote", `${url}/team.git`]));
    const seen = upstream.requests.length;
    const own = `127.0.0.1:${port}`;
    const refused: [line: string, host: string, status: number][] = [
      ["GET http://evil.test/team.git/info/refs HTTP/1.1", own, 400],
      ["GET http://evil.test/team.git/info/refs HTTP/1.1", "evil.test", 403],
      [`GET ${url}/team.git/info/refs HTTP/1.1`, own, 400],
      [`GET http://${own}/cdn-cgi/access/get-identity HTTP/1.1`, own, 403],
      [`GET http://${own}/a/%2e%2e/cdn-cgi/access/pass HTTP/1.1`, own, 403],
      [`GET http://${own}/team.git/info/refs HTTP/1.1\r\nOrigin: http://evil.test`, own, 403],
      [`CONNECT ${own} HTTP/1.1`, own, 400],
    ];
    for (const [line, host, status] of refused) {
      const text = `${line}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.equal((await rawExchange(Number(port), text)).status, status, line);
    }
    assert.equal(upstream.requests.length, seen);
  },
);
