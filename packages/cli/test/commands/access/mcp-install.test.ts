// `access mcp install`: the entry in an agent's settings, and what else is in them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { agentClient } from "../../../src/agents/clients.ts";
import { bin, machine } from "../../support/terminal.ts";

const url = "https://tools.example.com/mcp";

const files: Record<string, string> = {
  "claude-code": ".claude.json",
  "claude-desktop": ".config/Claude/claude_desktop_config.json",
  codex: ".codex/config.toml",
  cursor: ".cursor/mcp.json",
  vscode: ".config/Code/User/mcp.json",
};

test("each agent gets an entry where it looks for one, once, and nobody is asked", async (context) => {
  const { run, directory, home, opened } = machine(context);
  // Where no `postern` is, as npm has one for its scripts.
  const PATH = "/usr/bin:/bin";
  for (const [client, name] of Object.entries(files)) {
    const file = join(directory, name);
    const first = await run(["access", "mcp", "install", client, url], { PATH });
    assert.deepEqual([first.status, first.stdout], [0, ""], first.stderr);
    assert.ok(first.stderr.includes(file), first.stderr);
    const text = readFileSync(file, "utf8");
    for (const part of [process.execPath, bin, "access", "mcp", url, home])
      assert.ok(text.includes(part), `${client}: ${part}\n${text}`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await run(["access", "mcp", "install", client, url], { PATH });
    assert.equal(again.status, 0);
    assert.match(again.stderr, /has "tools" already/);
    assert.equal(readFileSync(file, "utf8"), text);
    assert.deepEqual(
      readdirSync(dirname(file)).filter((each) => each.includes("postern-")),
      [],
    );
  }
  assert.deepEqual(opened(), []);
});

test("an agent of the terminal starts postern by the place where the terminal finds it", async (context) => {
  const { run, directory } = machine(context);
  const folder = join(directory, "installed");
  mkdirSync(folder);
  symlinkSync(bin, join(folder, "postern"));
  const environment = { PATH: `${folder}:/usr/bin:/bin` };
  await run(["access", "mcp", "install", "claude-code", url], environment);
  await run(["access", "mcp", "install", "cursor", url], environment);
  const serverIn = (name: string) =>
    JSON.parse(readFileSync(join(directory, name), "utf8")).mcpServers.tools;
  assert.equal(serverIn(".claude.json").command, join(folder, "postern"));
  assert.equal(serverIn(".cursor/mcp.json").command, process.execPath);
});

test("what an entry starts is this program, for that URL", async (context) => {
  const { run, directory } = machine(context);
  await run(["access", "mcp", "install", "cursor", url, "--profile", "work", "--name", "mine"]);
  const settings = JSON.parse(readFileSync(join(directory, ".cursor/mcp.json"), "utf8"));
  const { command, args, env } = settings.mcpServers.mine;
  assert.deepEqual(args.slice(1), ["access", "mcp", "--profile", "work", url]);
  const { stdout, status } = spawnSync(command, args, {
    input: '{"jsonrpc":"2.0","id":1,"method":"initialize"}\n',
    encoding: "utf8",
    env: { PATH: "/usr/bin", ...env },
  });
  assert.equal(status, 0);
  assert.match(stdout, /"id":1,"error":.*not signed in to https:\/\/tools\.example\.com/);
});

test("the rest of the settings stays, behind a link as well, with the mode that they have", async (context) => {
  const { run, directory } = machine(context);
  const real = join(directory, "dotfiles", "mcp.json");
  const file = join(directory, ".config/Code/User/mcp.json");
  mkdirSync(dirname(real), { recursive: true });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(real, '{\n  // mine\n  "inputs": [],\n  "servers": {"a": {"command": "b"}},\n}\n');
  chmodSync(real, 0o644);
  symlinkSync(real, file);
  const { status, stderr } = await run(["access", "mcp", "install", "vscode", url]);
  assert.equal(status, 0, stderr);
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal(statSync(real).mode & 0o777, 0o644);
  const text = readFileSync(real, "utf8");
  assert.ok(text.startsWith('{\n  // mine\n  "inputs": [],\n  "servers": {"a": {"command": "b"},'));
});

test("settings that a program cannot change are left alone, and the block is printed", async (context) => {
  const { run, directory } = machine(context);
  const file = join(directory, ".claude.json");
  for (const before of ["{ broken", '{"mcpServers": {"tools": {"command": "mine"}}}']) {
    writeFileSync(file, before);
    const { status, stdout, stderr } = await run(["access", "mcp", "install", "claude-code", url]);
    assert.equal(status, 1);
    assert.match(stderr, /^postern: .*\.claude\.json (?:is not JSON|has another "tools" already),/);
    assert.ok(JSON.parse(stdout).mcpServers.tools.args.includes(url));
    assert.equal(readFileSync(file, "utf8"), before);
  }
});

test("--print shows the block, and changes nothing", async (context) => {
  const { run, directory } = machine(context);
  for (const [client, name] of Object.entries(files)) {
    const { status, stdout } = await run(["access", "mcp", "install", client, url, "--print"]);
    assert.equal(status, 0);
    assert.ok(stdout.includes(url), client);
    assert.equal(existsSync(join(directory, name)), false);
  }
});

test("wrong usage is one line, and no secret goes into settings", async (context) => {
  const { run } = machine(context);
  const lines: [args: string[], says: RegExp][] = [
    [[], /takes an agent and a URL/],
    [["cursor"], /takes an agent and a URL/],
    [["emacs", url], /"emacs" is no agent known here; use one of claude-code, /],
    [["cursor", "ftp://x"], /is not an http or https URL/],
    [["cursor", url, "--name", "a b"], /--name takes up to 64/],
    [["cursor", url, "--service-token-secret", "hush"], /does not belong into settings/],
  ];
  for (const [args, says] of lines) {
    const { status, stdout, stderr } = await run(["access", "mcp", "install", ...args]);
    assert.deepEqual([status, stdout], [2, ""], args.join(" "));
    assert.match(stderr, says);
    assert.ok(!stderr.includes("hush"));
  }
});

test("on Windows and macOS settings are where those keep them", () => {
  const windows = { USERPROFILE: "/u/ada", APPDATA: "/u/ada/Roaming" };
  const at = (client: string, platform: NodeJS.Platform, environment: Record<string, string>) =>
    agentClient(client).file({ platform, environment });
  assert.equal(
    at("claude-desktop", "darwin", { HOME: "/Users/ada" }),
    "/Users/ada/Library/Application Support/Claude/claude_desktop_config.json",
  );
  assert.equal(
    at("claude-desktop", "win32", windows),
    "/u/ada/Roaming/Claude/claude_desktop_config.json",
  );
  assert.equal(at("vscode", "win32", windows), "/u/ada/Roaming/Code/User/mcp.json");
  assert.equal(at("cursor", "win32", windows), "/u/ada/.cursor/mcp.json");
  assert.equal(at("codex", "linux", { HOME: "/h", CODEX_HOME: "/c" }), "/c/config.toml");
  assert.equal(
    at("claude-code", "linux", { HOME: "/h", CLAUDE_CONFIG_DIR: "/c" }),
    "/c/.claude.json",
  );
  assert.throws(() => at("cursor", "linux", {}), /HOME is not set/);
});
