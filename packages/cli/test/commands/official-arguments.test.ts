// The command line of the official client: the same words in every place where it takes them.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { officialArguments } from "../../src/commands/official-arguments.ts";
import { startPeer } from "../support/peer.ts";
import { bin, type Machine, machine } from "../support/terminal.ts";

const url = "https://api.example.com";

test("under the official name flags of the tunnel may stand before the command", () => {
  const lines = [
    ["--loglevel", "debug", "access", "token", "--app", url],
    ["--loglevel=debug", "access", "token", "--app", url],
    ["-no-autoupdate", "access", "token", "--app", url],
    ["--logfile", "/tmp/access", "--no-autoupdate", "access", "token", "--app", url],
    ["--origincert", "cert.pem", "-metrics", "localhost:1", "access", "token", "--app", url],
    ["--config=/x.yml", "--post-quantum", "access", "token", "--app", url],
  ];
  for (const line of lines)
    assert.deepEqual(officialArguments(line), ["access", "token", "--app", url], line.join(" "));
});

test("under the official name flags end at the URL, and what follows it is not looked at", () => {
  const lines: [typed: string[], kept: string[]][] = [
    [
      ["login", url, "--no-verbose"],
      ["login", url],
    ],
    [
      ["login", url, "--quiet", "--no-such-flag", "x"],
      ["login", url],
    ],
    [
      ["login", "-q", url, "--app", "https://other.example.com"],
      ["login", "-q", url],
    ],
    [
      ["login", "--app", url, "https://other.example.com", "-q"],
      ["login", "--app", url],
    ],
    [
      ["login", "--", url, "--quiet"],
      ["login", "--", url],
    ],
    [
      ["token", `-app=${url}`, "rest", "--no-login"],
      ["token", `-app=${url}`],
    ],
  ];
  for (const [typed, kept] of lines)
    assert.deepEqual(officialArguments(["access", ...typed]), ["access", ...kept], typed.join(" "));
  const curl = ["access", "curl", url, "-sS", "--next", url, "--fail"];
  assert.deepEqual(officialArguments(curl), curl, "what follows a tool is the tool's");
});

test("under the official name --fedramp stands before the command or behind it", () => {
  const kept = ["access", "login", "--fedramp", url];
  assert.deepEqual(officialArguments(["access", "--fedramp", "login", url]), kept);
  assert.deepEqual(officialArguments(["access", "login", "--fedramp", url]), kept);
  assert.deepEqual(
    officialArguments(["--loglevel", "info", "forward", "-fedramp=true", "login", url]),
    ["forward", "login", "-fedramp=true", url],
  );
  assert.deepEqual(officialArguments(["access", "--fedramp"]), ["access", "--fedramp"]);
});

function official(context: TestContext, person: Machine) {
  const link = join(person.directory, "cloudflared");
  symlinkSync(bin, link);
  const options = { env: person.environment, encoding: "utf8" as const };
  const start = (args: string[]) =>
    new Promise<{ status: number; stdout: string }>((resolve) => {
      // Not spawnSync: the peer lives in this process and must answer.
      execFile(process.execPath, [link, ...args], options, (error, stdout) =>
        resolve({ status: Number(error?.code ?? 0), stdout }),
      );
    });
  context.diagnostic(link);
  return { start, link };
}

test("under the official name every place of a flag prints what the official client prints", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const { start } = official(context, person);
  const app = peer.origin("app");
  const { stdout: token } = await start(["access", "login", "--no-verbose", app]);
  assert.match(token, /^eyJ[\w.-]+$/);
  const chatty = `Successfully fetched your token:\n\n${token}\n\n`;
  const lines: [args: string[], stdout: string][] = [
    [["access", "login", app, "--quiet"], chatty],
    [["access", "login", app, "--no-verbose"], chatty],
    [["access", "login", "--fedramp", app], chatty],
    [["access", "--fedramp", "login", "-q", app], ""],
    [["--loglevel", "debug", "access", "login", "--auto-close", app], chatty],
    [["--no-autoupdate", "access", "token", "--app", app], token],
    [["access", "token", `-app=${app}`, app, "--quiet"], token],
  ];
  for (const [args, stdout] of lines)
    assert.deepEqual(await start(args), { status: 0, stdout }, args.join(" "));
});

test("version --short is the number alone, and every other spelling of it the whole line", (context) => {
  const person = machine(context);
  const { link } = official(context, person);
  const versionOf = (program: string, ...args: string[]) =>
    spawnSync(process.execPath, [program, ...args], { encoding: "utf8" }).stdout;
  for (const flag of ["--short", "-short", "-s", "--short=true"])
    assert.match(versionOf(link, "version", flag), /^\d{4}\.\d+\.\d+\n$/, flag);
  for (const flag of ["--version", "-v", "-V", "version"])
    assert.match(
      versionOf(link, "--loglevel", "info", flag),
      /^cloudflared version \d{4}\.\d+/,
      flag,
    );
  assert.match(versionOf(link, "version", "--short=false"), /^cloudflared version /);
  assert.match(versionOf(bin, "version", "--short"), /^\d+\.\d+\.\d+\n$/);
});
