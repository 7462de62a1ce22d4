// The contract of every command with a program's credential (cli.md, "Service tokens"): it is used,
// or the command fails and says which credential that was and what is wrong with it. Never a
// browser, never a request without it, nothing on standard output. A command that is new fails here
// until `treatments` says how it takes one.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../test/support/requirements.ts";
import { until } from "../../../test/support/until.ts";
import type { CommandGroup } from "../src/commands/command.ts";
import { mainGroup, pathOf } from "../src/commands/index.ts";
import { statusOf, wrapperStatus } from "../src/exit-status.ts";
import { type Answer, end, type Peer, type Seen, startPeer } from "./support/peer.ts";
import { bin, type Machine, machine } from "./support/terminal.ts";

/** How a command takes a credential of one kind. */
type Treatment =
  | "uses"
  /** it is for people: wrong usage */
  | "refuses"
  /** it sends nothing that a person's session or a program's credential would open */
  | "needs none";

interface Contract {
  service: Treatment;
  workload: Treatment;
  /** what follows the command's words */
  args(url: string): string[];
}

const withUrl = (url: string) => [url];
const withHostname = (url: string) => ["--hostname", url];
const nothing = () => [];
const ofBoth = { service: "uses", workload: "uses" } as const;
const ofNobody = { service: "needs none", workload: "needs none" } as const;

/** By the words that call the command. */
const treatments: Record<string, Contract> = {
  "access login": { service: "refuses", workload: "refuses", args: withUrl },
  "access token": { service: "refuses", workload: "uses", args: withUrl },
  "access curl": { service: "uses", workload: "uses", args: (url) => ["-s", url] },
  "access put": { ...ofBoth, args: (url) => ["echo", url] },
  "access whoami": { service: "uses", workload: "uses", args: withUrl },
  "access http": { ...ofBoth, args: (url) => [url, "--url", "localhost:0"] },
  "access tcp": { ...ofBoth, args: withHostname },
  "access ssh": { ...ofBoth, args: withHostname },
  "access rdp": { ...ofBoth, args: (url) => ["--hostname", url, "--url", "localhost:0"] },
  "access smb": { ...ofBoth, args: (url) => ["--hostname", url, "--url", "localhost:0"] },
  // A grant is a part of a person's access.
  "access grant": { service: "refuses", workload: "refuses", args: (url) => [url, "--print"] },
  // Certificates are people's.
  "access ssh-gen": { service: "refuses", workload: "refuses", args: withHostname },
  "access ssh-config": { ...ofNobody, args: withHostname },
  // It answers messages, and a message gets the reason (below).
  "access mcp": { ...ofNobody, args: withUrl },
  // It writes git's configuration; what git starts is `access http`.
  "access git": { ...ofNobody, args: () => ["setup"] },
  // It says which credential would be used.
  "access doctor": { ...ofNobody, args: nothing },
  // What is stored, which is people's.
  "access list": { ...ofNobody, args: nothing },
  "access forget": { ...ofNobody, args: () => ["nowhere.example"] },
  "access logout": { ...ofNobody, args: () => ["https://nowhere.localhost:1"] },
  // Those of a gateway, and of this program itself.
  completion: { ...ofNobody, args: () => ["bash"] },
  dev: { ...ofNobody, args: () => ["--no-such-flag"] },
  gateway: { ...ofNobody, args: nothing },
  init: { ...ofNobody, args: () => ["--no-such-flag"] },
  "admin-token create": { ...ofNobody, args: nothing },
  "admin-token list": { ...ofNobody, args: nothing },
  "admin-token revoke": { ...ofNobody, args: nothing },
  "sessions list": { ...ofNobody, args: nothing },
  "sessions revoke": { ...ofNobody, args: nothing },
  export: { ...ofNobody, args: nothing },
  import: { ...ofNobody, args: nothing },
  diff: { ...ofNobody, args: nothing },
  apply: { ...ofNobody, args: nothing },
  replay: { ...ofNobody, args: nothing },
  "access explain": { ...ofNobody, args: nothing },
  "keys rotate": { ...ofNobody, args: nothing },
  "keys ssh": { ...ofNobody, args: nothing },
  render: { ...ofNobody, args: nothing },
};

/** A credential, and what its gateway says of it. */
interface Case {
  what: string;
  kind: "service" | "workload";
  environment: Record<string, string>;
  /** of the gateway to a request with the credential; undefined: it must not come that far */
  answer: { status: number; reason?: string } | undefined;
  code: "not_signed_in" | "refused_by_policy";
  /** what the message names */
  words: RegExp;
}

function tokenFor(audience: string, lifetime: number): string {
  const exp = Math.floor(Date.now() / 1000) + lifetime;
  const parts = [
    { alg: "RS256", kid: "k" },
    { aud: audience, exp, sub: "a-job" },
  ];
  const texts = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${texts.join(".")}.c2lnbmVk`;
}

function casesFor(peer: Peer, person: Machine): Case[] {
  const service = {
    POSTERN_SERVICE_TOKEN_ID: "robot.access",
    POSTERN_SERVICE_TOKEN_SECRET: "s3cr3t-of-the-robot",
  };
  const inFile = (name: string, token: string) => {
    const path = join(person.directory, name);
    writeFileSync(path, token);
    return { POSTERN_WORKLOAD_TOKEN_FILE: path };
  };
  const good = inFile("good", tokenFor(peer.team, 600));
  const refusedAs = (reason: string) => ({ status: 401, reason });
  return [
    {
      what: "a wrong service token",
      kind: "service",
      environment: service,
      answer: { status: 401 },
      code: "not_signed_in",
      words: /refuses the service token robot\.access \(status 401\); check its ID, its secret/,
    },
    {
      what: "a service token that policy refuses",
      kind: "service",
      environment: service,
      answer: { status: 403 },
      code: "refused_by_policy",
      words: /policy does not let the service token robot\.access reach/,
    },
    {
      what: "a workload token that the gateway refuses",
      kind: "workload",
      environment: good,
      answer: refusedAs("bad_signature"),
      code: "not_signed_in",
      words: /refuses the workload token in \S+\/good \(bad_signature\); compare its issuer/,
    },
    {
      what: "a workload token that policy refuses",
      kind: "workload",
      environment: good,
      answer: { status: 403 },
      code: "refused_by_policy",
      words: /policy does not let the workload token in \S+\/good reach/,
    },
    {
      what: "an expired workload token",
      kind: "workload",
      environment: inFile("expired", tokenFor(peer.team, -1)),
      answer: undefined,
      code: "not_signed_in",
      words: /the workload token in \S+\/expired has expired/,
    },
    {
      what: "a workload token for somebody else",
      kind: "workload",
      environment: inFile("foreign", tokenFor("https://kubernetes.default.svc", 600)),
      answer: undefined,
      code: "not_signed_in",
      words: /the workload token in \S+\/foreign is for https:\/\/kubernetes/,
    },
  ];
}

/** Every command, by the words that call it. */
function commandsOf(group: CommandGroup): string[] {
  const own = group.commands.map(({ name }) => pathOf(group, name));
  return [...own, ...group.groups.flatMap(commandsOf)];
}

test("every command says how it takes a program's credential", () => {
  assert.deepEqual(commandsOf(mainGroup).toSorted(), Object.keys(treatments).toSorted());
});

interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

/** On a terminal, where somebody could be asked to sign in: standard error is one. */
async function runOnTerminal(
  person: Machine,
  args: string[],
  environment: Record<string, string>,
): Promise<Run> {
  const output = join(person.directory, "stdout");
  rmSync(output, { force: true });
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const quoted = ["env", ...variables, process.execPath, bin, ...args].map((part) => `'${part}'`);
  const line = `${quoted.join(" ")} > '${output}'`;
  const run = await person.runUnder(["script", "-qec", line, "/dev/null"]);
  const stdout = existsSync(output) ? readFileSync(output, "utf8") : "";
  return { status: run.status, stdout, stderr: run.stdout };
}

/** Questions that anybody may ask: who guards this address, and with which keys. */
function isOpenQuestion({ headers, url }: Seen): boolean {
  return headers["cf-access-metadata-request"] === "true" || url === "/cdn-cgi/access/certs";
}

function carriesCredential({ headers }: Seen): boolean {
  const isService = headers["cf-access-client-id"] === "robot.access";
  return isService || String(headers["cf-access-token"] ?? "").endsWith(".c2lnbmVk");
}

/** What the gateway says to whoever shows a program's credential. */
function answerWith(answer: Case["answer"]): Answer {
  return (seen, response) => {
    if (answer === undefined || !carriesCredential(seen)) return false;
    if (answer.reason !== undefined) response.setHeader("cf-access-error", answer.reason);
    end(response, answer.status);
    return true;
  };
}

async function scene(context: TestContext): Promise<{ peer: Peer; person: Machine }> {
  const peer = await startPeer(context);
  const person = machine(context);
  // A person is signed in as well: nothing falls back on that.
  const login = await person.run(["access", "login", "-q", peer.origin("app")]);
  assert.equal(login.status, 0, login.stderr);
  await until(() => person.opened().length === 1);
  return { peer, person };
}

const accessCommands = Object.entries(treatments).filter(([path]) => path.startsWith("access "));

for (const [path, contract] of accessCommands) {
  test(
    `${path}: a program's credential is used, or the command fails with its reason`,
    needs("curl", "script"),
    async (context) => {
      const { peer, person } = await scene(context);
      const isWrapper = ["access curl", "access put"].includes(path);
      for (const { what, kind, environment, answer, code, words } of casesFor(peer, person)) {
        peer.requests.length = 0;
        peer.answer = answerWith(answer);
        const args = [...path.split(" "), ...contract.args(`${peer.origin("app")}/x`)];
        const { status, stdout, stderr } = await runOnTerminal(person, args, environment);
        const seen = `${path}, ${what}: ${status} ${stderr}`;
        assert.equal(person.opened().length, 1, seen);
        if (contract[kind] === "needs none") continue;

        const failure = contract[kind] === "uses" ? code : "usage";
        assert.equal(status, isWrapper ? wrapperStatus : statusOf(failure), seen);
        assert.match(stderr, contract[kind] === "uses" ? words : /is set, and/, seen);
        assert.equal(stdout, "", seen);
        assert.doesNotMatch(stderr, /s3cr3t|c2lnbmVk|postern access login/, seen);
        const asked = peer.requests.filter((each) => !isOpenQuestion(each));
        assert.ok(asked.every(carriesCredential), `${seen}: ${JSON.stringify(asked)}`);
        if (answer === undefined) assert.deepEqual(asked, [], seen);
      }
    },
  );
}

test("access mcp: an agent is told which credential was used, and what is wrong with it", async (context) => {
  const { peer, person } = await scene(context);
  for (const { what, environment, answer, words } of casesFor(peer, person)) {
    peer.requests.length = 0;
    peer.answer = answerWith(answer);
    const message = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
    const args = ["access", "mcp", `${peer.origin("app")}/x`];
    const { stdout } = await person.run(args, environment, `${JSON.stringify(message)}\n`);
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    assert.match(error.message, words, what);
    assert.doesNotMatch(error.message, /s3cr3t|c2lnbmVk/, what);
    assert.ok(peer.requests.filter((each) => !isOpenQuestion(each)).every(carriesCredential));
    assert.equal(person.opened().length, 1, what);
  }
});
