// `access put --via query` and `--via env` with real tools: what stands in their arguments and
// environment, and what their end looks like. put-proxy.test.ts has the default.
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../../test/support/requirements.ts";
import { end, startPeer } from "../../support/peer.ts";
import { proxiedMachine } from "../../support/proxied-machine.ts";
import { machine } from "../../support/terminal.ts";

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost", "app"] });
  const person = machine(context);
  const { stdout: token } = await person.run([
    "access",
    "login",
    "--no-verbose",
    peer.origin("localhost"),
  ]);
  peer.requests.length = 0;
  return { peer, person, token };
}

test("wget gets the page with a pass in its URL", needs("wget"), async (context) => {
  const { peer, person, token } = await signedIn(context);
  const put = await person.run([
    "access",
    "put",
    "--via=query",
    "wget",
    "-qO-",
    `${peer.origin("localhost")}/files/a?x=1`,
  ]);
  assert.deepEqual([put.status, put.stdout], [0, "hello from localhost\n"], put.stderr);
  const [asked] = peer.forwarded();
  const pass = new URL(asked?.url ?? "", peer.team).searchParams.get("token") ?? "";
  assert.notEqual(pass, token);
  const claims = JSON.parse(Buffer.from(pass.split(".")[1] ?? "", "base64url").toString()) as {
    htu: string;
  };
  assert.equal(claims.htu, `${peer.origin("localhost")}/files/a`);
  assert.match(asked?.url ?? "", /^\/files\/a\?x=1&token=/);
});

test(
  "wget names the file after the URL that was typed, and nothing secret stands in any name",
  needs("wget"),
  async (context) => {
    const { peer, person } = await signedIn(context);
    const url = peer.origin("localhost");
    const lines: [args: string[], file: string][] = [
      [["wget", "-q", `${url}/plain.csv`], "plain.csv"],
      [["wget", "-q", `${url}/query.csv?x=1`], "query.csv?x=1"],
      [["wget", "-q", "-P", "below", `${url}/below.csv`], "below/below.csv"],
      [["env", "X=1", "wget", "-nv", "-N", `${url}/behind-env.csv`], "behind-env.csv"],
      [["timeout", "30", "wget", "-q", "-x", "-nH", `${url}/a/b.csv`], "a/b.csv"],
      [["wget", "-q", `${url}/1`, `${url}/2`], "2"],
    ];
    for (const [args, file] of lines) {
      const put = await person.run(["access", "put", "--via=query", ...args]);
      assert.equal(put.status, 0, put.stderr);
      const text = readFileSync(join(person.directory, file), "utf8");
      assert.equal(text, "hello from localhost\n", args.join(" "));
    }
    const names = readdirSync(person.directory, { recursive: true }).map(String);
    assert.deepEqual(
      names.filter((name) => /token|eyJ/.test(name) && !name.startsWith("home/")),
      [],
    );
    assert.ok(peer.forwarded().every((seen) => !seen.url.includes("token=")));
    assert.equal(peer.forwarded().length, lines.length + 1);
  },
);

test(
  "an open application's tool just runs: no pass, no variables, no sign-in, the first time as well",
  needs("wget"),
  async (context) => {
    const peer = await startPeer(context, { hosts: ["localhost"] });
    const person = machine(context);
    const app = peer.origin("localhost");
    peer.answer = async (seen, response) => {
      if (seen.headers["cf-access-metadata-request"] === undefined) {
        if (seen.method === "GET" && seen.url.startsWith("/a")) response.end("open");
        return response.writableEnded;
      }
      const description = await peer.metadata("localhost", { login: false });
      end(response.setHeader("cf-access-metadata", description), 204);
      return true;
    };
    const variables = `printf %s "$1 $ACCESS_TOKEN$ACCESS_HEADER"`;
    const lines: [args: string[], output: string][] = [
      [["printf", "%s", `${app}/a?b=1#c`], `${app}/a?b=1#c`],
      [
        ["printf", "%s", `--base=${app}/`, "https://elsewhere.invalid/"],
        `--base=${app}/https://elsewhere.invalid/`,
      ],
      [["wget", "-qO-", `${app}/a`], "open"],
      [["wget", "-q", "-O", "-", "--load-cookies", "/dev/null", `${app}/a`], "open"],
      [["git", "--version", `${app}/x.git`], ""],
      [["--via", "env", "sh", "-c", variables, "sh", app], `${app} `],
      [["--via", "env", "--app", app, "sh", "-c", variables, "sh", "x"], "x "],
    ];
    const outer = { ACCESS_TOKEN: "of another", ACCESS_HEADER: "of another" };
    for (const [args, output] of lines) {
      const put = await person.run(["access", "put", "--via=query", ...args], outer);
      if (args[0] === "git") {
        assert.doesNotMatch(put.stderr, /keeps the URL/);
        continue;
      }
      assert.deepEqual([put.status, put.stdout], [0, output], `${args[0]}: ${put.stderr}`);
    }
    assert.deepEqual(person.opened(), []);
  },
);

test("a tool that would keep the pass is refused, with what to do instead, and asks nothing", async (context) => {
  const { peer, person } = await signedIn(context);
  const url = `${peer.origin("localhost")}/x.git`;
  const lines: [args: string[], says: RegExp][] = [
    [["git", "clone", url], /keeps the URL in the repository.*--via env/],
    [["wget2", url], /names its file after the URL.*-O FILE/],
    [["busybox", "wget", url], /names its file after the URL.*-O FILE/],
    [["wget", "--load-cookies", "mine", url], /-O FILE/],
    [["fetch", url], /-o FILE/],
  ];
  for (const [args, says] of lines) {
    const put = await person.run(["access", "put", "--via=query", ...args]);
    assert.deepEqual([put.status, put.stdout], [125, ""]);
    assert.match(put.stderr, says);
  }
  assert.deepEqual(peer.forwarded(), []);
});

test("a flag that would have no effect is refused", async (context) => {
  const person = machine(context);
  const url = "https://api.example.com/";
  for (const [args, says] of [
    [["--via", "query", "--app", url, "printf", "%s", url], /--app needs --via env/],
    [
      ["--via", "env", "--full-token", "printf", "%s", url],
      /--full-token has no effect with --via env/,
    ],
  ] as const) {
    const put = await person.run(["access", "put", "--via=query", ...args]);
    assert.deepEqual([put.status, put.stdout], [125, ""]);
    assert.match(put.stderr, says);
  }
});

test("every argument that is a URL of a protected application or holds one after = gets a pass, others stay", async (context) => {
  const { peer, person } = await signedIn(context);
  const url = peer.origin("localhost");
  const put = await person.run([
    "access",
    "put",
    "--via=query",
    "--",
    "printf",
    "%s\n",
    `--base=${url}/a#part`,
    `${url}/b`,
    "plain",
    `${peer.team}/c`,
    "-x",
  ]);
  assert.equal(put.status, 0, put.stderr);
  const [base = "", second = "", ...rest] = put.stdout.trim().split("\n");
  assert.match(base, /^--base=http:\/\/localhost:\d+\/a\?token=[\w.-]+#part$/);
  assert.match(second, /\/b\?token=/);
  assert.deepEqual(rest, ["plain", `${peer.team}/c`, "-x"]);
});

test("--via env hands the token over in the tool's environment and nowhere else", async (context) => {
  const { peer, person, token } = await signedIn(context);
  const script = 'printf "%s|%s|%s" "$ACCESS_TOKEN" "$ACCESS_HEADER" "$1"';
  const url = `${peer.origin("localhost")}/x`;
  const put = await person.run(["access", "put", "--via", "env", "sh", "-c", script, "sh", url]);
  assert.equal(put.stdout, `${token}|cf-access-token: ${token}|${url}`);
  const named = await person.run([
    "access",
    "put",
    "--via=env",
    "--app",
    url,
    "printenv",
    "ACCESS_TOKEN",
  ]);
  assert.equal(named.stdout, `${token}\n`);
});

test("with --app the arguments are nobody's business: not even asked who guards them", async (context) => {
  const { peer, person, token } = await signedIn(context);
  const elsewhere = `http://nobody.localhost:${peer.port}/x`;
  const app = peer.origin("localhost");
  const put = await person.run([
    "access",
    "put",
    "--via",
    "env",
    "--app",
    app,
    "sh",
    "-c",
    'printf %s "$ACCESS_TOKEN"',
    "sh",
    elsewhere,
  ]);
  assert.deepEqual([put.status, put.stdout], [0, token], put.stderr);
  assert.deepEqual(peer.requests, []);
});

test("a pass is asked for again when the gateway had ended the stored session, and no further", async (context) => {
  const { peer, person, token } = await signedIn(context);
  peer.answer = (seen, response) => {
    if (seen.url !== "/cdn-cgi/access/pass" || seen.headers["cf-access-token"] !== token)
      return false;
    end(response, 401);
    return true;
  };
  peer.person = "ada2@example.com";
  const put = await person.run([
    "access",
    "put",
    "--via=query",
    "printf",
    "%s",
    `${peer.origin("localhost")}/x`,
  ]);
  assert.equal(put.status, 0, put.stderr);
  assert.match(put.stdout, /token=/);
  assert.equal(person.opened().length, 1, "by the terminal's session, not by a person");
  peer.answer = (seen, response) => {
    if (seen.url !== "/cdn-cgi/access/pass") return false;
    end(response, 401);
    return true;
  };
  const again = await person.run([
    "access",
    "put",
    "--via=query",
    "printf",
    "%s",
    `${peer.origin("localhost")}/x`,
  ]);
  assert.deepEqual([again.status, again.stdout], [125, ""]);
  assert.match(again.stderr, /refused the token that was just issued; sign in with/);
});

test(
  "plain http to another machine becomes https in the tool's arguments as well",
  needs("openssl", "curl"),
  async (context) => {
    const { person } = await proxiedMachine(context);
    await person.run(["access", "login", "-q", "app.example.test"]);
    const put = await person.run([
      "access",
      "put",
      "--via=query",
      "printf",
      "%s",
      "--base=http://app.example.test/x?a=1#f",
    ]);
    assert.match(
      put.stdout,
      /^--base=https:\/\/app\.example\.test\/x\?a=1&token=[\w.-]+#f$/,
      put.stderr,
    );
  },
);

test("a gateway without passes is said to be one; the token itself goes into the URL only on request", async (context) => {
  const { peer, person, token } = await signedIn(context);
  peer.answer = (seen, response) => {
    if (seen.url !== "/cdn-cgi/access/pass") return false;
    end(response, 404);
    return true;
  };
  const url = `${peer.origin("localhost")}/x`;
  const put = await person.run(["access", "put", "--via=query", "printf", "%s", url]);
  assert.deepEqual([put.status, put.stdout], [125, ""]);
  assert.match(put.stderr, /does not issue passes.*--full-token/);
  assert.equal(
    (await person.run(["access", "put", "--via=query", "--full-token", "printf", "%s", url]))
      .stdout,
    `${url}?token=${token}`,
  );
});

test("exit status, streams and signals are the tool's; 125, 126 and 127 are told apart", async (context) => {
  const { peer, person } = await signedIn(context);
  const url = `${peer.origin("localhost")}/x`;
  const put = (...args: string[]) =>
    person.run(["access", "put", "--via=query", ...args], {}, "typed");
  assert.equal((await put("sh", "-c", "exit 7", url)).status, 7);
  assert.equal((await put("sh", "-c", "cat", "sh", url)).stdout, "typed");
  assert.equal(
    (await put("sh", "-c", "kill -TERM $$", url)).status,
    -1,
    "ended by the signal itself",
  );
  assert.equal((await put("no-such-tool", url)).status, 127);
  const file = join(person.directory, "not-executable");
  writeFileSync(file, "echo hi\n");
  assert.equal((await put(file, url)).status, 126);
  chmodSync(file, 0o755);
  assert.deepEqual(
    (await put(file, url)).stdout,
    "hi\n",
    "a script without #! runs as it would from a shell",
  );
  assert.equal((await put("printf", "no URL")).status, 125);
  assert.equal((await put()).status, 125);
});

test("arguments reach the tool as they are: no shell reads them (C15)", async (context) => {
  const { peer, person } = await signedIn(context);
  const odd = "$(touch planted) `id` ; & | > * \\ \" '";
  const put = await person.run([
    "access",
    "put",
    "--via=query",
    "printf",
    "%s\n",
    odd,
    `${peer.origin("localhost")}/x`,
  ]);
  assert.ok(put.stdout.startsWith(`${odd}\n`));
});
