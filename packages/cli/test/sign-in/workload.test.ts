// A program's token of its platform: where it comes from, where it goes, and when it is asked for
// anew (ADR 0025).
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCommandLine } from "../../src/commands/command-line.ts";
import { machineFlags } from "../../src/commands/flags.ts";
import { CliError } from "../../src/exit-status.ts";
import {
  type MachineCredential,
  readMachineCredential,
  withoutMachineCredentials,
} from "../../src/sign-in/machine-credential.ts";
import type { Application } from "../../src/store/known-hosts.ts";
import { surroundings, type TestSurroundings } from "../support/context.ts";

const team = "https://login.example.com";
const application: Application = {
  origin: "https://api.example.com",
  auth_domain: "login.example.com",
  team,
  app_hostname: "api.example.com",
  aud: "0".repeat(64),
  relay: `${team}/transfer/`,
  login: true,
  scope: "/",
  exact: false,
  asked_at: 0,
  fresh_until: Number.POSITIVE_INFINITY,
};

/** Nobody verifies it here. */
function token(claims: Record<string, unknown> = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const parts = [{ alg: "RS256" }, { aud: team, exp, ...claims }];
  const texts = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${texts.join(".")}.AAAA`;
}

function machine(cli: TestSurroundings, ...args: string[]): MachineCredential | undefined {
  return readMachineCredential(cli, readCommandLine(args, machineFlags));
}

function present(cli: TestSurroundings, ...args: string[]): MachineCredential {
  const credential = machine(cli, ...args);
  assert.ok(credential !== undefined, args.join(" "));
  return credential;
}

const tokenOf = async (credential: MachineCredential, of = application) =>
  (await credential.fieldsFor(of))["cf-access-token"];

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof CliError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return "none";
}

/** GitHub's endpoint for tokens, of which it makes a new one each time. */
async function github(context: TestContext, lifetime = 300) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const audience = new URL(request.url ?? "", "http://x").searchParams.get("audience");
    const exp = Math.floor(Date.now() / 1000) + lifetime + asked.length;
    response.end(JSON.stringify({ count: 1, value: token({ aud: audience, exp }) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const environment = {
    POSTERN_WORKLOAD: "github",
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the-right-to-ask",
  };
  return { asked, environment };
}

test("a platform's token is taken where somebody says so, and never because the platform is there", async (context) => {
  const { environment } = await github(context);
  const { POSTERN_WORKLOAD: _, ...platform } = environment;
  const everything = { ...platform, GITLAB_CI: "true", POSTERN_ID_TOKEN: token(), CI: "true" };
  assert.equal(machine(surroundings(context, { environment: everything })), undefined);
  const cli = surroundings(context, { environment: everything });
  assert.match(present(cli, "--workload", "github").name, /GitHub/);
  assert.match(present(cli, "--workload=gitlab").name, /POSTERN_ID_TOKEN/);
  assert.match(present(cli, "--workload=auto").name, /GitHub/);
  assert.match(present(cli, "--workload-token-file", "/run/token").name, /\/run\/token/);
});

test("GitHub is asked for a token for the team domain of the host, once until shortly before its end", async (context) => {
  const { asked, environment } = await github(context);
  const cli = surroundings(context, { environment });
  const credential = present(cli);
  const first = await tokenOf(credential);
  const [request] = asked;
  assert.equal(request?.headers.authorization, "Bearer the-right-to-ask");
  assert.equal(request?.url, `/token?api-version=2.0&audience=${encodeURIComponent(team)}`);
  assert.equal(await tokenOf(credential), first);
  assert.equal(asked.length, 1);
  cli.ahead = 280_000;
  const [second, same] = await Promise.all([tokenOf(credential), tokenOf(credential)]);
  assert.notEqual(second, first);
  assert.equal(second, same);
  assert.equal(asked.length, 2);
  const other = { ...application, team: "https://login.other.example" };
  await tokenOf(credential, other);
  assert.match(asked[2]?.url ?? "", /login.other.example/);
});

test("what a gateway refused is not given again where the platform has another", async (context) => {
  const { environment } = await github(context);
  const credential = present(surroundings(context, { environment }));
  const first = await tokenOf(credential);
  credential.forget();
  assert.notEqual(await tokenOf(credential), first);
});

test("a token in a file is read again as the platform renews it, also behind the links of Kubernetes", async (context) => {
  const cli = surroundings(context);
  const folder = join(cli.home, "..");
  const path = join(folder, "token");
  const file = join(folder, "data");
  writeFileSync(file, `${token()}\n`);
  symlinkSync(file, path);
  const credential = present(cli, "--workload", "kubernetes", "--workload-token-file", path);
  const first = await tokenOf(credential);
  const next = token({ jti: "2" });
  writeFileSync(file, next);
  assert.equal(await tokenOf(credential), first);
  cli.ahead = 11_000;
  assert.equal(await tokenOf(credential), next);
  cli.ahead = 310_000;
  assert.match(await refusal(() => tokenOf(credential)), /not_signed_in: .*token has expired/);
});

test("a token that is for somebody else, has expired, or is none is sent nowhere", async (context) => {
  const api = "https://kubernetes.default.svc";
  const cases: [claims: string, words: RegExp][] = [
    [token({ aud: api }), /is for https:\/\/kubernetes.default.svc, and not for https:\/\/login/],
    [token({ aud: [api, "x"] }), /is for https:\/\/kubernetes.default.svc, x, and not/],
    [token({ aud: undefined }), /and not for/],
    [token({ exp: 1 }), /has expired/],
    [token({ exp: undefined }), /has no expiry/],
    ["s3cr3t", /is not a signed token/],
    ["a.b.c\r\nX-Evil: 1", /is not a signed token/],
  ];
  for (const [text, words] of cases) {
    const environment = { POSTERN_WORKLOAD: "gitlab", POSTERN_ID_TOKEN: text };
    const credential = present(surroundings(context, { environment }));
    const message = await refusal(() => tokenOf(credential));
    assert.match(message, /^not_signed_in: the ID token in POSTERN_ID_TOKEN /);
    assert.match(message, words);
    assert.ok(!message.includes(text));
  }
  const environment = { POSTERN_WORKLOAD: "gitlab", POSTERN_ID_TOKEN: token({ aud: "mine" }) };
  const own = present(surroundings(context, { environment }), "--workload-audience", "mine");
  assert.ok(await tokenOf(own));
});

test("what is named and not there is wrong usage, or cannot sign in, and says what to do", async (context) => {
  const usages: [NodeJS.ProcessEnv, string[], RegExp][] = [
    [{ POSTERN_WORKLOAD: "github" }, [], /permissions: id-token: write/],
    [{ POSTERN_WORKLOAD: "gitlab" }, [], /id_tokens of the job set POSTERN_ID_TOKEN/],
    [{}, ["--workload", "jenkins"], /use one of github, gitlab, kubernetes, file, auto/],
    [{}, ["--workload", "file"], /needs --workload-token-file/],
    [{}, ["--workload", "auto"], /finds no token here/],
    [{}, ["--workload-token-file", "token"], /is not an absolute path/],
    [
      {
        POSTERN_WORKLOAD: "gitlab",
        POSTERN_ID_TOKEN: "x",
        POSTERN_SERVICE_TOKEN_ID: "a",
        POSTERN_SERVICE_TOKEN_SECRET: "b",
      },
      [],
      /unset one of them/,
    ],
  ];
  for (const [environment, args, words] of usages) {
    const cli = surroundings(context, { environment });
    const message = await refusal(() => machine(cli, ...args));
    assert.match(message, /^usage: /);
    assert.match(message, words);
  }
  const missing = present(surroundings(context), "--workload-token-file", "/nowhere/token");
  assert.match(await refusal(() => tokenOf(missing)), /not_signed_in: .*\/nowhere\/token cannot/);
  const folder = surroundings(context);
  const directory = present(folder, "--workload-token-file", join(folder.home, ".."));
  assert.match(await refusal(() => tokenOf(directory)), /not_signed_in/);
});

test("flags of one kind put the other kind's variables aside", (context) => {
  const both = {
    POSTERN_WORKLOAD: "gitlab",
    POSTERN_ID_TOKEN: token(),
    POSTERN_SERVICE_TOKEN_ID: "robot",
    POSTERN_SERVICE_TOKEN_SECRET: "s3cr3t",
  };
  const { POSTERN_WORKLOAD: _, ...service } = both;
  const { POSTERN_SERVICE_TOKEN_ID: __, POSTERN_SERVICE_TOKEN_SECRET: ___, ...workload } = both;
  const kind = (environment: NodeJS.ProcessEnv, ...args: string[]) =>
    machine(surroundings(context, { environment }), ...args)?.kind;
  assert.equal(kind(service), "service_token");
  assert.equal(kind(workload), "workload_token");
  assert.equal(kind(service, "--workload", "gitlab"), "workload_token");
  assert.equal(kind(both, "--workload", "gitlab"), "workload_token");
  assert.equal(kind({ ...both }, "--service-token-id", "x"), "service_token");
});

test("a tool inherits neither the token nor the right to ask for one, and what others need stays", async (context) => {
  const { environment } = await github(context);
  const home = { HOME: "/h", GITHUB_TOKEN: "the job's own" };
  const tool = { ...home, ...environment, POSTERN_SERVICE_TOKEN_SECRET: "s" };
  const used = present(surroundings(context, { environment }));
  assert.deepEqual(withoutMachineCredentials(tool, used), home);
  const { POSTERN_WORKLOAD: _, ...platform } = environment;
  assert.deepEqual(withoutMachineCredentials(tool), { ...home, ...platform });
  const gitlab = { POSTERN_WORKLOAD: "gitlab", POSTERN_ID_TOKEN: token() };
  const job = present(surroundings(context, { environment: gitlab }));
  assert.deepEqual(withoutMachineCredentials({ ...home, ...gitlab }, job), home);
});
