// Where the command line lets a secret go (security-cases 2.6): what the machine shows of its
// processes, and what a redirect gets on the network.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { end, type Peer, startPeer } from "../../packages/cli/test/support/peer.ts";
import { processesFrom, type SeenProcess } from "../../packages/cli/test/support/processes.ts";
import { proxiedMachine } from "../../packages/cli/test/support/proxied-machine.ts";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import { needs } from "../support/requirements.ts";

const secret = "s3cr3t-of-the-program";

async function signedIn(
  context: TestContext,
): Promise<{ peer: Peer; person: Machine; url: string; token: string }> {
  const peer = await startPeer(context, { hosts: ["localhost", "app", "other"] });
  const person = machine(context);
  const url = peer.origin("localhost");
  const { stdout: token } = await person.run(["access", "login", "--no-verbose", url]);
  assert.notEqual(token, "");
  peer.requests.length = 0;
  return { peer, person, url, token };
}

/** Runs a command, and looks at its processes while each of its requests is being answered. */
async function watched(
  peer: Peer,
  person: Machine,
  args: string[],
  environment: Record<string, string> = {},
) {
  const seen: SeenProcess[] = [];
  let pid: number | undefined;
  const look = peer.answer;
  peer.answer = async (asked, response) => {
    if (pid !== undefined) seen.push(...processesFrom(pid));
    return look === undefined ? false : look(asked, response);
  };
  const running = person.start(["access", ...args], environment);
  pid = running.child.pid;
  running.child.stdin.end();
  const status = await running.ended;
  peer.answer = look;
  return { status, stderr: running.stderr(), seen };
}

test(
  "no command shows a secret in anybody's arguments, nor in the environment of a tool that does not need it (C9)",
  needs("curl", "wget"),
  async (context) => {
    const { peer, person, url, token } = await signedIn(context);
    const file = join(person.directory, "secret");
    writeFileSync(file, secret);
    const byFile = ["--service-token-id", "id.access", "--service-token-secret-file", file];
    const byVariable = {
      POSTERN_SERVICE_TOKEN_ID: "id.access",
      POSTERN_SERVICE_TOKEN_SECRET: secret,
    };
    const job = await peer.sign({ aud: peer.team, exp: Math.floor(Date.now() / 1000) + 600 });
    const byWorkload = { POSTERN_WORKLOAD: "gitlab", POSTERN_ID_TOKEN: job };
    const target = `${url}/x`;
    const commands: [string[], Record<string, string>?][] = [
      [["curl", "-s", target]],
      [["curl", "-s", "--token-in", "header", target]],
      [["curl", "-s", "--token-in", "query", target]],
      [["curl", "-s", "-c", join(person.directory, "jar"), target]],
      [["curl", "-s", ...byFile, target]],
      [["curl", "-s", target], byVariable],
      [["put", "wget", "-qO-", target]],
      [["put", "curl", "-s", target]],
      [["put", "--via", "query", "curl", "-s", target]],
      [["put", ...byFile, "curl", "-s", target]],
      [["put", "curl", "-s", target], byVariable],
      [["put", "--via", "env", "curl", "-s", target]],
      [["curl", "-s", target], byWorkload],
      [["put", "curl", "-s", target], byVariable],
      [["put", "curl", "-s", target], byWorkload],
      [["whoami", target], byWorkload],
      [["whoami", target]],
      [["whoami", ...byFile, target]],
      [["token", peer.origin("other")]],
      [["login", "--profile", "second", url]],
      [["logout", url]],
    ];
    for (const [args, environment] of commands) {
      const what = args.join(" ");
      const run = await watched(peer, person, args, environment);
      assert.equal(run.status, 0, `${what}: ${run.stderr}`);
      assert.ok(run.seen.length > 0, `${what} was looked at`);
      const tokens = [token, secret, job, ...tokensOf(person)];
      for (const { command, environment: variables } of run.seen) {
        for (const each of tokens) {
          assert.ok(
            !command.some((part) => part.includes(each)),
            `${what}: arguments of ${command[0]}`,
          );
          const holders = variables
            .filter((variable) => variable.includes(each))
            .map((variable) => variable.split("=")[0] ?? "");
          const mayHold: string[] = [];
          if (args.includes("env")) mayHold.push("ACCESS_TOKEN", "ACCESS_HEADER");
          else if (command[0]?.endsWith("node"))
            mayHold.push(...Object.keys({ ...byVariable, ...byWorkload }));
          assert.deepEqual(
            holders.filter((name) => !mayHold.includes(name)),
            [],
            `${what}: environment of ${command[0]}`,
          );
        }
      }
    }
  },
);

/** Every token that is stored at the moment. */
function tokensOf(person: Machine): string[] {
  const names = readdirSync(join(person.home, "tokens"), { recursive: true }) as string[];
  return names
    .filter((name) => name.endsWith(".json"))
    .map(
      (name) =>
        (JSON.parse(readFileSync(join(person.home, "tokens", name), "utf8")) as { token: string })
          .token,
    );
}

test(
  "a secret that a person puts into an argument is warned about, wiped, and given to no child (C9)",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    for (const flags of [["--service-token-secret", secret], [`-service-token-secret=${secret}`]]) {
      const run = await watched(peer, person, [
        "curl",
        "-s",
        "--service-token-id",
        "id.access",
        ...flags,
        `${url}/x`,
      ]);
      assert.equal(run.status, 0, run.stderr);
      assert.match(run.stderr, /^Warning: a secret in an argument/);
      assert.equal(peer.forwarded().at(-1)?.headers["cf-access-client-secret"], secret);
      assert.ok(run.seen.some(({ command }) => command[0] === "curl"));
      assert.ok(!JSON.stringify(run.seen.map(({ command }) => command)).includes(secret));
    }
  },
);

test(
  "a redirect to another host, or to plain http, takes no token along (C11)",
  needs("curl", "openssl"),
  async (context) => {
    const { peer, proxy, person } = await proxiedMachine(context);
    person.environment["http_proxy"] = proxy.url;
    const login = await person.run(["access", "login", "--no-verbose", "http://app.example.test"]);
    assert.equal(login.status, 0, login.stderr);
    for (const target of [
      "https://evil.example.test/caught",
      "http://app.example.test/caught",
      "http://evil.example.test/caught",
    ]) {
      peer.answer = (seen, response) => {
        if (seen.url !== "/away") return false;
        end(response, 302, target);
        return true;
      };
      const curl = await person.run(["access", "curl", "-sSL", "https://app.example.test/away"]);
      assert.equal(curl.status, 0, curl.stderr);
    }
    const caught = peer.requests.filter(({ url }) => url === "/caught");
    assert.deepEqual(
      caught.map(({ host }) => host),
      ["evil.example.test"],
    );
    const clear = proxy.readable.filter(({ url }) => url.endsWith("/caught"));
    assert.deepEqual(
      clear.map(({ url }) => url),
      ["http://app.example.test/caught", "http://evil.example.test/caught"],
    );
    assert.equal(proxy.readable.length, clear.length, "the first http:// never left as such");
    assert.ok(!JSON.stringify([caught, clear]).includes(login.stdout));
    assert.ok(
      proxy.tunnels.every((tunnel) => /^(?:app|login|evil)\.example\.test:443$/.test(tunnel)),
    );
  },
);

test(
  "a proxy on the way is told where to, and nothing of the credential (C11)",
  needs("curl", "openssl"),
  async (context) => {
    const { peer, proxy, person } = await proxiedMachine(context);
    await person.run(["access", "login", "-q", peer.origin("app")]);
    for (const carrier of ["cookie", "header", "query"]) {
      const curl = await person.run([
        "access",
        "curl",
        "-sS",
        "--token-in",
        carrier,
        `${peer.origin("app")}/x`,
      ]);
      assert.equal(curl.stdout, "hello from app.example.test\n", curl.stderr);
    }
    const program = { POSTERN_SERVICE_TOKEN_ID: "id.access", POSTERN_SERVICE_TOKEN_SECRET: secret };
    assert.equal(
      (await person.run(["access", "curl", "-sS", `${peer.origin("app")}/x`], program)).status,
      0,
    );
    const told = JSON.stringify([proxy.headers, proxy.tunnels, proxy.readable]);
    for (const each of [secret, ...tokensOf(person)]) assert.ok(!told.includes(each));
  },
);

test(
  "the exchange for another application goes to no other host and never to plain http (C11)",
  needs("openssl", "curl"),
  async (context) => {
    const { peer, proxy, person } = await proxiedMachine(context);
    person.environment["http_proxy"] = proxy.url;
    await person.run(["access", "login", "-q", peer.origin("app")]);
    const org =
      tokensOf(person).find((token) =>
        Buffer.from(token.split(".")[1] ?? "", "base64url").includes('"org"'),
      ) ?? "";
    assert.notEqual(org, "");
    const login = "/cdn-cgi/access/login/other.example.test";
    const detours = [
      `https://evil.example.test${login}`,
      `http://login.example.test${login}`,
      `https://login.example.test:8443${login}`,
      `https://login.example.test@evil.example.test${login}`,
      `https://login.example.test/elsewhere?x=${login}`,
      `https://login.example.test${login.replace("login/", "login-evil/")}`,
    ];
    for (const detour of detours) {
      peer.requests.length = 0;
      peer.answer = (seen, response) => {
        if (
          seen.headers["cf-access-metadata-request"] !== undefined ||
          !seen.host.startsWith("other.")
        )
          return false;
        end(response, 302, detour);
        return true;
      };
      const token = await person.run(["access", "token", peer.origin("other")]);
      assert.notEqual(token.status, 0, detour);
      assert.equal(token.stdout, "", detour);
      assert.ok(!JSON.stringify([peer.requests, proxy.readable]).includes(org), detour);
    }
    assert.deepEqual(proxy.readable, []);
  },
);
