// `access put` as it is by default: the tool asks a proxy of this run, and holds no credential.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { leaveOut, needs } from "../../../../../test/support/requirements.ts";
import { end, startPeer } from "../../support/peer.ts";
import { processesFrom } from "../../support/processes.ts";
import { proxiedMachine } from "../../support/proxied-machine.ts";
import { machine } from "../../support/terminal.ts";

const onLinux = leaveOut(process.platform === "linux" ? undefined : "Linux");

/** Options for a test that runs these tools. */
function withTools(...programs: string[]): { skip?: string } {
  return { ...needs(...programs), ...onLinux };
}

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost", "app", "other"] });
  const person = machine(context);
  const login = ["access", "login", "--no-verbose", peer.origin("localhost")];
  const { stdout: token } = await person.run(login);
  peer.requests.length = 0;
  const put = (...args: string[]) => person.run(["access", "put", ...args]);
  return { peer, person, token, put, url: peer.origin("localhost") };
}

test(
  "tools that take a URL get the application's answer, each in its own way",
  withTools("curl", "wget", "http"),
  async (context) => {
    const { peer, put, token, url } = await signedIn(context);
    const script =
      "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))";
    const lines = [
      ["curl", "-sS", `${url}/a?x=1`],
      ["curl", "-sS", "--url", `${url}/a?x=1`],
      ["wget", "-qO-", `${url}/a?x=1`],
      ["http", "--ignore-stdin", "--body", `${url}/a?x=1`],
      [process.execPath, "-e", script, `${url}/a?x=1`],
      ["env", "X=1", "sh", "-c", 'exec curl -sS "$1"', "sh", `${url}/a?x=1`],
    ];
    for (const args of lines) {
      const run = await put(...args);
      assert.deepEqual(
        [run.status, run.stdout.trim()],
        [0, "hello from localhost"],
        `${args[0]}: ${run.stderr}`,
      );
    }
    const asked = peer.forwarded();
    assert.equal(asked.length, lines.length);
    for (const seen of asked) {
      assert.equal(seen.headers["cf-access-token"], token);
      assert.deepEqual([seen.url, seen.host], ["/a?x=1", new URL(url).host]);
      assert.ok(!("cookie" in seen.headers));
    }
  },
);

test(
  "nothing of the credential is in anybody's arguments or environment, in a file's name, or in a Referer (C9)",
  withTools("wget", "curl"),
  async (context) => {
    const { peer, person, token, put, url } = await signedIn(context);
    const listing =
      'tr "\\0" "\\n" </proc/$PPID/cmdline; tr "\\0" "\\n" </proc/$$/cmdline; env; cat /proc/$$/maps >/dev/null';
    const seen = await put("sh", "-c", listing, "sh", `${url}/x`);
    assert.equal(seen.status, 0, seen.stderr);
    assert.ok(!seen.stdout.includes(token));
    assert.doesNotMatch(seen.stdout, /eyJ|token=/);
    assert.match(seen.stdout, /http:\/\/127\.0\.0\.1:\d+\/x/);

    let release = () => {};
    const isHeld = new Promise<void>((resolve) => {
      peer.answer = (asked, response) => {
        if (asked.url !== "/slow") return false;
        release = () => void response.end("slow");
        resolve();
        return true;
      };
    });
    const running = person.start(["access", "put", "curl", "-s", `${url}/slow`]);
    await isHeld;
    const everybody = processesFrom(running.child.pid ?? 0);
    assert.ok(everybody.some(({ command }) => command[0] === "curl"));
    assert.doesNotMatch(JSON.stringify(everybody), /eyJ/);
    release();
    assert.equal(await running.ended, 0);

    peer.answer = (asked, response) => {
      if (asked.url !== "/links.html") return false;
      response.setHeader("content-type", "text/html").end('<a href="/below.html">');
      return true;
    };
    const recursive = await put(
      "wget",
      "-q",
      "-r",
      "-l1",
      "-nH",
      "-e",
      "robots=off",
      `${url}/links.html`,
    );
    assert.equal(recursive.status, 0, recursive.stderr);
    const below = peer.requests.find((each) => each.url === "/below.html");
    assert.equal(below?.headers.referer, `${url}/links.html`);
    const names = readdirSync(person.directory).filter((name) => name.endsWith(".html"));
    assert.deepEqual(names.toSorted(), ["below.html", "links.html"]);
  },
);

test(
  "each URL leads to its own application, and keeps the way in which it was written",
  onLinux,
  async (context) => {
    const { peer, put, url } = await signedIn(context);
    const { host } = new URL(url);
    const run = await put(
      "printf",
      "%s\n",
      `${url}/a%2Fb?x=1&y=#part`,
      `--base=${url}`,
      `http://user:pw@${host}/b`,
      `${peer.origin("app")}/c`,
      "plain",
      `${peer.team}/d`,
    );
    assert.equal(run.status, 0, run.stderr);
    const [first = "", base, userinfo, other = "", ...rest] = run.stdout.trim().split("\n");
    const local = new URL(first).origin;
    assert.equal(first, `${local}/a%2Fb?x=1&y=#part`);
    assert.equal(base, `--base=${local}`);
    assert.equal(userinfo, `${local.replace("//", "//user:pw@")}/b`);
    assert.match(other, /^http:\/\/127\.0\.0\.1:\d+\/c$/);
    assert.notEqual(new URL(other).origin, local);
    assert.deepEqual(rest, ["plain", `${peer.team}/d`]);
  },
);

test("the proxy is gone with the tool", withTools("curl"), async (context) => {
  const { put, url } = await signedIn(context);
  const run = await put("printf", "%s", url);
  const after = spawnSync("curl", ["-s", run.stdout]);
  assert.equal(after.status, 7, "nothing listens");
});

test(
  "git clones, and the repository knows the application's own address",
  withTools("git"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    const origin = join(person.directory, "origin.git");
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
        cwd: person.directory,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    git("init", "-q", "-b", "main", "seed");
    writeFileSync(join(person.directory, "seed", "file"), "text\n");
    git("-C", "seed", "add", ".");
    git("-C", "seed", "commit", "-qm", "first");
    git("clone", "-q", "--bare", "seed", origin);
    git("-C", origin, "update-server-info");
    peer.answer = (seen, response) => {
      const [path = ""] = seen.url.split("?");
      if (!path.startsWith("/x.git/") || seen.headers["cf-access-token"] === undefined)
        return false;
      const file = join(origin, path.slice("/x.git".length));
      if (existsSync(file)) response.end(readFileSync(file));
      else end(response, 404);
      return true;
    };
    const clone = await person.run(["access", "put", "git", "clone", "-q", `${url}/x.git`, "copy"]);
    assert.equal(clone.status, 0, clone.stderr);
    assert.equal(readFileSync(join(person.directory, "copy", "file"), "utf8"), "text\n");
    assert.equal(git("-C", "copy", "remote", "get-url", "origin").trim(), `${url}/x.git`);
    const config = readFileSync(join(person.directory, "copy", ".git", "config"), "utf8");
    assert.doesNotMatch(config, /127\.0\.0\.1|eyJ|insteadOf/i);
  },
);

test(
  "a tool that would write the address of the proxy down is refused, with what to do instead",
  onLinux,
  async (context) => {
    const { peer, put, url } = await signedIn(context);
    for (const args of [
      ["hg", "clone", `${url}/x`],
      ["env", "X=1", "svn", "checkout", `${url}/x`],
    ]) {
      const run = await put(...args);
      assert.deepEqual([run.status, run.stdout], [125, ""]);
      assert.match(run.stderr, /keeps the URL.*access http http:\/\/localhost:\d+ --url/);
    }
    assert.deepEqual(peer.forwarded(), []);
  },
);

test(
  "exit status, streams and signals are the tool's, which stays a child of the proxy",
  onLinux,
  async (context) => {
    const { person, put, url } = await signedIn(context);
    assert.equal((await put("sh", "-c", "exit 7", url)).status, 7);
    const typed = await person.run(["access", "put", "cat", "-", url], {}, "typed");
    assert.match(typed.stdout, /^typed/);
    assert.equal(
      (await put("sh", "-c", "kill -TERM $$", url)).status,
      -1,
      "ended by the signal itself",
    );
    assert.equal((await put("no-such-tool", url)).status, 127);
    mkdirSync(join(person.directory, "here"));
    assert.equal((await put(join(person.directory, "here"), url)).status, 127);
  },
);

test(
  "a tool of a proxied machine asks its own machine directly",
  withTools("curl"),
  async (context) => {
    const { person, url } = await signedIn(context);
    const environment = {
      http_proxy: "http://127.0.0.1:9",
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "x.test",
    };
    const run = await person.run(["access", "put", "curl", "-sS", `${url}/x`], environment);
    assert.deepEqual([run.status, run.stdout], [0, "hello from localhost\n"], run.stderr);
  },
);

test(
  "applications behind https and behind a proxy are reached as every command reaches them",
  withTools("openssl", "curl"),
  async (context) => {
    const { proxy, person } = await proxiedMachine(context);
    await person.run(["access", "login", "-q", "app.example.test"]);
    const run = await person.run(["access", "put", "curl", "-sS", "http://app.example.test/x"]);
    assert.deepEqual([run.status, run.stdout], [0, "hello from app.example.test\n"], run.stderr);
    assert.ok(proxy.tunnels.every((target) => target.endsWith(".example.test:443")));
    assert.deepEqual(proxy.readable, []);
  },
);

test(
  "a redirect to another host takes no token along (C11)",
  withTools("curl"),
  async (context) => {
    const { peer, put, token, url } = await signedIn(context);
    const other = await startPeer(context, { hosts: ["localhost"] });
    for (const status of [301, 302, 307, 308]) {
      peer.answer = (seen, response) => {
        if (seen.url !== "/away") return false;
        end(response, status, `${other.origin("localhost")}/caught`);
        return true;
      };
      await put("curl", "-sSL", `${url}/away`);
    }
    assert.equal(other.requests.filter(({ url: asked }) => asked === "/caught").length, 4);
    assert.ok(!JSON.stringify(other.requests).includes(token));
  },
);
