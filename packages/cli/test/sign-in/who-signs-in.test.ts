// Whose session it is: asking for somebody in particular, asking anew, programs instead of people,
// and what stays of the one who was there before.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { hasRows } from "../../src/sign-in/qr-code.ts";
import { end, startPeer } from "../support/peer.ts";
import { startProxy } from "../support/proxy.ts";
import { bin, machine } from "../support/terminal.ts";

const qrCode = /▀▀▀▀/;

test("--login-hint asks again only when somebody else is signed in, and says when it was not that person", async (context) => {
  const peer = await startPeer(context);
  const { run, opened } = machine(context);
  const url = peer.origin("app");
  await run(["access", "login", "-q", url]);
  const same = await run(["access", "login", "--login-hint", "Ada@example.com", url]);
  assert.match(same.stderr, /^Already signed in as ada@example\.com/);
  assert.equal(opened().length, 1);
  peer.person = "bob@example.com";
  const other = await run(["access", "login", "--login-hint", "bob@example.com", url]);
  assert.match(other.stderr, /Signed in as bob@example\.com/);
  assert.doesNotMatch(other.stderr, /Warning/);
  assert.equal(new URL(opened()[1] ?? "").searchParams.get("login_hint"), "bob@example.com");
  const wrong = await run(["access", "login", "--login-hint", "eve@example.com", url]);
  assert.match(
    wrong.stderr,
    /Warning: bob@example\.com approved this sign-in, which was meant for eve@example\.com/,
  );
});

test("--auto-close reaches the page from every command that signs in, and only where it is given", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const url = peer.origin("app");
  const closes = () => new URL(person.opened().at(-1) ?? "").searchParams.get("close_interstitial");
  await person.run(["access", "login", "-q", "--prompt", "login", url]);
  assert.equal(closes(), null);
  await person.run(["access", "login", "-q", "--prompt", "login", "--auto-close=false", url]);
  assert.equal(closes(), null);
  await person.run(["access", "login", "-q", "--prompt", "login", "--auto-close", url]);
  assert.equal(closes(), "true");
  for (const command of [
    ["token", "--auto-close", url],
    ["put", "--auto-close", "printf", "%s", url],
    ["curl", url, "--auto-close"],
    ["whoami", "--auto-close", url],
  ]) {
    const fresh = { POSTERN_HOME: `${person.home}-${command[0]}` };
    await person.runOnTerminal(["access", ...command], fresh);
    assert.equal(closes(), "true", command.join(" "));
  }
  assert.equal(person.opened().length, 7);
});

test("a hint or a prompt that the gateway would refuse is refused here, and no page is opened", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  for (const flags of [
    ["--login-hint", ""],
    [`--login-hint=${"a".repeat(255)}`],
    ["--login-hint", "ada\n@example.com"],
    ["--prompt", "none"],
    ["--prompt", "create"],
    ["--prompt="],
  ]) {
    const { status, stdout, stderr } = await person.run([
      "access",
      "login",
      ...flags,
      peer.origin("app"),
    ]);
    assert.deepEqual([status, stdout], [2, ""], flags.join(" "));
    assert.match(stderr, /--login-hint|--prompt/);
  }
  assert.deepEqual([person.opened(), peer.requests], [[], []]);
});

test("--prompt asks again in any case", async (context) => {
  const peer = await startPeer(context);
  const { run, opened } = machine(context);
  await run(["access", "login", "-q", peer.origin("app")]);
  for (const prompt of ["login", "select_account"]) {
    assert.equal(
      (await run(["access", "login", "-q", "--prompt", prompt, peer.origin("app")])).status,
      0,
    );
    assert.equal(new URL(opened().at(-1) ?? "").searchParams.get("prompt"), prompt);
  }
  assert.equal(opened().length, 3);
});

test("after a login by another person nothing of the first is used, at no application of the team", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  await run(["access", "login", "-q", peer.origin("app")]);
  await run(["access", "login", "-q", peer.origin("other")]);
  peer.person = "bob@example.com";
  await run(["access", "login", "-q", "--prompt", "login", peer.origin("app")]);
  for (const host of ["app", "other"]) {
    const { stdout } = await run(["access", "token", "--format", "json", peer.origin(host)]);
    assert.equal((JSON.parse(stdout) as { email: string }).email, "bob@example.com", host);
  }
});

test("a stored token is printed while the gateway is away, as long as its description is fresh", async (context) => {
  const peer = await startPeer(context);
  const { run } = machine(context);
  const { stdout } = await run(["access", "login", "--no-verbose", peer.origin("app")]);
  await peer.close();
  assert.deepEqual(await run(["access", "token", peer.origin("app")], { CI: "1" }), {
    status: 0,
    stdout,
    stderr: "",
  });
});

test("a token that the gateway ended is replaced from the terminal's session, and only then by a person", async (context) => {
  const peer = await startPeer(context);
  const { run, opened } = machine(context);
  const { stdout: first } = await run(["access", "login", "--no-verbose", peer.origin("app")]);
  peer.revoked.add(first);
  // The same second and claims would make the same token.
  peer.answer = async (seen, response) => {
    if (!seen.url.startsWith("/cdn-cgi/access/authorized")) return false;
    const token = await peer.appToken("app", { country: "YY" });
    response.setHeader(
      "Set-Cookie",
      `CF_Authorization=${token}; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT`,
    );
    end(response, 302, "/");
    return true;
  };
  const second = await run(["access", "login", "--no-verbose", peer.origin("app")]);
  assert.notEqual(second.stdout, first);
  assert.equal(opened().length, 1);
});

test(
  "given a service token, no command ever opens a browser: it is used, or the command fails",
  needs("curl", "wget"),
  async (context) => {
    const peer = await startPeer(context, { hosts: ["app", "localhost"] });
    const person = machine(context);
    const url = peer.origin("app");
    const file = join(person.directory, "secret");
    writeFileSync(file, "s3cr3t");
    const given: [string[], Record<string, string>][] = [
      [["--service-token-id", "id", "--service-token-secret-file", file], {}],
      [[], { POSTERN_SERVICE_TOKEN_ID: "id", POSTERN_SERVICE_TOKEN_SECRET_FILE: file }],
      [[], { TUNNEL_SERVICE_TOKEN_ID: "id", TUNNEL_SERVICE_TOKEN_SECRET: "s3cr3t" }],
      [["--service-token-id", "id"], {}],
      [[], { TUNNEL_SERVICE_TOKEN_SECRET: "s3cr3t" }],
    ];
    for (const [index, [flags, environment]] of given.entries()) {
      const isWhole = index < 3;
      const commands: [string[], number][] = [
        [["curl", "-s", ...flags, url], isWhole ? 0 : 125],
        [["whoami", ...flags, url], isWhole ? 0 : 2],
        [["login", ...flags, url], 2],
        [["token", ...flags, url], 2],
        [["put", ...flags, "wget", "-qO-", peer.origin("localhost")], isWhole ? 0 : 125],
        [["put", ...flags, "--via=query", "wget", "-qO-", peer.origin("localhost")], 125],
        [["put", ...flags, "--via=env", "wget", "-qO-", peer.origin("localhost")], 125],
      ];
      for (const [args, status] of commands) {
        const run = await person.runOnTerminal(["access", ...args], environment);
        assert.equal(
          run.status,
          status,
          `${args.join(" ")} ${JSON.stringify(environment)}: ${run.stdout}`,
        );
      }
    }
    assert.deepEqual(person.opened(), []);
    peer.answer = (seen, response) => {
      if (!seen.url.includes("get-identity")) return false;
      end(response, 401);
      return true;
    };
    const refused = await person.run(["access", "whoami", url], given[2]?.[1]);
    assert.equal(refused.status, 3);
    assert.match(
      refused.stderr,
      /refuses the service token id \(status 401\); check its ID, its secret and its expiry/,
    );
    assert.doesNotMatch(refused.stderr, /s3cr3t|access login/);
  },
);

test(
  "curl does not run where the gateway refuses the service token, and says which and why",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const environment = { POSTERN_SERVICE_TOKEN_ID: "id", POSTERN_SERVICE_TOKEN_SECRET: "s3cr3t" };
    const answers: [status: number, message: RegExp][] = [
      [401, /refuses the service token id \(status 401\); check its ID.*\[not_signed_in\]/],
      [403, /policy does not let the service token id reach \S+; ask its owner \[refused_by/],
    ];
    for (const [status, message] of answers) {
      peer.answer = (seen, response) => {
        if (!seen.url.includes("cloudflared_token_check")) return false;
        end(response, status);
        return true;
      };
      for (const flags of [[], ["-ar"]]) {
        const args = ["access", "curl", ...flags, "-s", peer.origin("app")];
        const run = await person.run(args, environment);
        assert.equal(run.status, 125);
        assert.equal(run.stdout, "");
        assert.match(run.stderr, message);
      }
    }
    assert.deepEqual(peer.forwarded(), []);
    assert.deepEqual(person.opened(), []);
  },
);

const addressAndCode = /https:\/\/app\.example\.test\/cdn-cgi[\s\S]*shows this code: /;

/** A person whose application is no loopback name, and whose browser does nothing. */
async function remoteScene(context: TestContext) {
  const certificate = certificateFor(context, ["*.example.test"]);
  const peer = await startPeer(context, { secure: certificate });
  const proxy = await startProxy(context, peer.port);
  const person = machine(context, "exit 0");
  Object.assign(person.environment, {
    HTTPS_PROXY: proxy.url,
    POSTERN_CA_FILE: certificate.ca_file,
  });
  const login = ["access", "login", "--timeout", "50ms", "https://app.example.test"];
  const loginIn = async (columns: number, rows: number, ...flags: string[]) => {
    const command = [process.execPath, bin, ...login, ...flags].map((part) => `'${part}'`);
    const line = `stty cols ${columns} rows ${rows}; TERM=xterm-256color ${command.join(" ")}`;
    return (await person.runUnder(["script", "-qec", line, "/dev/null"])).stdout;
  };
  return { person, login, loginIn };
}

test(
  "a QR code is shown where no browser was opened and the terminal has room for it, or on request",
  needs("openssl"),
  async (context) => {
    const { person, login, loginIn } = await remoteScene(context);
    assert.match(await loginIn(100, 60, "--no-browser"), qrCode);
    assert.doesNotMatch(await loginIn(100, 60, "--no-browser", "--no-qr"), qrCode);
    assert.match(await loginIn(100, 60, "--qr"), qrCode);
    assert.doesNotMatch(await loginIn(100, 60), qrCode, "a browser was opened");
    assert.doesNotMatch(
      (await person.run([...login, "--no-browser"])).stderr,
      qrCode,
      "no terminal",
    );
    assert.match((await person.run([...login, "--no-browser", "--qr"])).stderr, qrCode);
  },
);

test(
  "a QR code that would push the code or the address out of sight is shown only on request",
  needs("openssl"),
  async (context) => {
    const { loginIn } = await remoteScene(context);
    // The QR code alone has 36 rows or more.
    for (const [columns, rows] of [
      [80, 24],
      [80, 40],
      [200, 30],
      [40, 100],
    ] as const) {
      const shown = await loginIn(columns, rows, "--no-browser");
      assert.doesNotMatch(shown, qrCode, `${columns} × ${rows}`);
      assert.match(shown, addressAndCode);
    }
    const onRequest = await loginIn(80, 24, "--no-browser", "--qr");
    assert.match(onRequest, qrCode);
    const below = onRequest.slice(onRequest.lastIndexOf("▀▀▀▀"));
    assert.match(below, addressAndCode);
    assert.match(await loginIn(40, 100, "--no-browser", "--qr"), /this terminal has 40/);
  },
);

test("a QR code of a loopback name, which no phone can open, is shown only on request", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, "exit 0");
  const { port } = peer;
  for (const host of [`app.localhost:${port}`, `other.localhost:${port}`]) {
    const login = ["access", "login", "--no-browser", "--timeout", "50ms", `http://${host}`];
    assert.doesNotMatch((await person.runOnTerminal(login)).stdout, qrCode, host);
    const { stdout } = await person.runOnTerminal([...login, "--qr"]);
    assert.match(stdout, qrCode, host);
    assert.match(
      stdout.slice(stdout.lastIndexOf("▀▀▀▀")),
      /\/cdn-cgi[\s\S]*shows this code: /,
      host,
    );
  }
});

test("lines have room where the terminal shows them all, wrapped, and the cursor below them", () => {
  const lines = ["x".repeat(10), "", "x"];
  const cases: [columns: number | undefined, rows: number | undefined, fits: boolean][] = [
    [10, 4, true],
    [10, 3, false],
    [9, 4, false],
    [9, 5, true],
    [1, 13, true],
    [1, 12, false],
    [undefined, 4, true],
    [10, undefined, true],
  ];
  for (const [columns, rows, fits] of cases)
    assert.equal(hasRows(lines, { columns, rows }), fits, `${columns} × ${rows}`);
});
