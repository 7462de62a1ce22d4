// What people read first: help with an example for every command, and the version.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import type { Command, CommandGroup } from "../../src/commands/command.ts";
import { helpOfCommand, helpOfGroup, helpWidth } from "../../src/commands/help.ts";
import { mainGroup, pathOf } from "../../src/commands/index.ts";
import { spellingsOf } from "../../src/flag.ts";
import { version } from "../../src/version.ts";
import { bin, machine } from "../support/terminal.ts";

const accessCommands = [
  ...["tcp", "ssh", "rdp", "smb", "ssh-config", "ssh-gen"],
  ...["login", "token", "curl", "put", "http", "logout", "list", "whoami", "forget", "doctor"],
  ...["grant", "mcp", "git", "explain"],
];
const commands = [
  [],
  ["access"],
  ...accessCommands.map((name) => ["access", name]),
  ["dev"],
  ["init"],
  ["gateway"],
  ["render"],
  ["export"],
  ["import"],
  ["diff"],
  ["apply"],
  ["replay"],
  ["completion"],
  ["keys"],
  ["keys", "rotate"],
  ["keys", "ssh"],
  ["admin-token"],
  ["admin-token", "create"],
  ["admin-token", "list"],
  ["admin-token", "revoke"],
  ["sessions"],
  ["sessions", "list"],
  ["sessions", "revoke"],
];

test("every command has help with an example, in lines that fit, on standard output", async (context) => {
  const { run } = machine(context);
  for (const command of commands) {
    const help = await run([...command, "--help"]);
    const what = command.join(" ");
    assert.deepEqual([help.status, help.stderr], [0, ""], what);
    assert.match(help.stdout, new RegExp(`^Usage: postern ${what}`), what);
    assert.match(help.stdout, /^Example:[ \n]/m, what);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 120, line);
    for (const spelling of ["-help", "-h"].filter(
      (each) => !(command[1] === "curl" && each === "-h"),
    ))
      assert.equal((await run([...command, spelling])).stdout, help.stdout, `${what} ${spelling}`);
  }
  assert.equal((await run(["access"])).stdout, (await run(["access", "--help"])).stdout);
  assert.equal((await run([])).stdout, (await run(["--help"])).stdout);
});

/** Every command of the table, with the words that call it. */
function commandsBelow(group: CommandGroup): [string, Command][] {
  return [
    ...group.commands.map((command): [string, Command] => [pathOf(group, command.name), command]),
    ...group.groups.flatMap(commandsBelow),
  ];
}

test("help fits the terminal, from 72 columns to 100, and 80 where there is none", () => {
  assert.deepEqual(
    [undefined, 1, 72, 80, 99, 100, 101, 400].map(helpWidth),
    [80, 72, 72, 80, 99, 100, 100, 100],
  );
  for (const width of [72, 80, 100]) {
    const texts = [
      helpOfGroup(mainGroup, width),
      ...mainGroup.groups.map((group) => helpOfGroup(group, width)),
      ...commandsBelow(mainGroup).map(([path, command]) => helpOfCommand(path, command, width)),
    ];
    assert.equal(texts.length, commands.length);
    for (const line of texts.flatMap((text) => text.split("\n"))) {
      assert.ok(line.length <= width, `${width} columns: ${line}`);
      assert.doesNotMatch(line, /\s$|\u00a0/, "nothing that a reader cannot see");
    }
  }
});

test("a wider terminal gets the same words in fewer lines", () => {
  const wordsOf = (text: string) => text.split(/\s+/).join(" ");
  for (const [path, command] of commandsBelow(mainGroup)) {
    const [narrow, wide] = [72, 100].map((width) => helpOfCommand(path, command, width));
    assert.equal(wordsOf(narrow ?? ""), wordsOf(wide ?? ""), path);
    assert.ok((narrow ?? "").length >= (wide ?? "").length, path);
  }
});

test("help names every flag that is not hidden, and no two flags share a spelling", () => {
  for (const [path, command] of commandsBelow(mainGroup)) {
    const help = helpOfCommand(path, command, 100);
    for (const { name, hidden } of command.flags)
      assert.equal(
        new RegExp(`^  (?:-\\w+, )?--${name}\\b(?!-)`, "m").test(help),
        hidden !== true,
        `${path} --${name}`,
      );
    const spellings = command.flags.flatMap(spellingsOf);
    assert.equal(new Set(spellings).size, spellings.length, path);
  }
});

test("what stands in brackets is not torn apart, and an example never is", () => {
  const command: Command = {
    name: "x",
    summary: "",
    usage: [`[--a [name=]URL ...] [--b ${"B".repeat(40)} | --c]`],
    description: "Does x.",
    flags: [],
    example: `postern x ${"y ".repeat(60)}z`,
    run: async () => 0,
  };
  assert.deepEqual(helpOfCommand("x", command, 72).split("\n"), [
    "Usage: postern x [--a [name=]URL ...]",
    `           [--b ${"B".repeat(40)} | --c]`,
    "",
    "Does x.",
    "",
    "Example:",
    `  ${command.example}`,
    "",
  ]);
});

test("on a terminal help is as wide as that", needs("script"), () => {
  for (const [columns, longest] of [
    [40, 72],
    [90, 90],
    [200, 100],
  ] as const) {
    const line = `stty cols ${columns}; '${process.execPath}' '${bin}' access whoami --help`;
    const { stdout } = spawnSync("script", ["-qec", line, "/dev/null"], { encoding: "utf8" });
    const lengths = stdout.split(/\r?\n/).map((each) => each.length);
    assert.ok(Math.max(...lengths) <= longest, `${columns} columns: ${Math.max(...lengths)}`);
    assert.ok(Math.max(...lengths) > longest - 12, `${columns} columns: ${Math.max(...lengths)}`);
  }
});

test(
  "help is not taken for help where it belongs to a tool, and behind our flags it still is ours",
  needs("curl"),
  async (context) => {
    const { run } = machine(context);
    assert.match(
      (await run(["access", "put", "--via", "env", "--help"])).stdout,
      /^Usage: postern access put/,
    );
    assert.match((await run(["access", "curl", "--no-login", "--help"])).stdout, /^Usage: curl/);
    assert.match((await run(["access", "curl", "--version"])).stdout, /^curl /);
    // Where a flag takes it as its value, it is no switch.
    const value = await run(["access", "put", "--app", "--help", "--via", "env", "true"]);
    assert.equal(value.status, 125);
    assert.equal(value.stdout, "");
  },
);

test("the version is the package's; under the official client's name it is said in its form", async (context) => {
  const { run, directory } = machine(context);
  const file = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  ) as {
    version: string;
  };
  assert.equal(version, file.version);
  for (const flag of ["--version", "-version", "-v", "version"])
    assert.equal((await run([flag])).stdout, `postern ${version}\n`);
  const link = join(directory, "cloudflared");
  symlinkSync(bin, link);
  const official = spawnSync(process.execPath, [link, "--version"], { encoding: "utf8" });
  assert.match(official.stdout, /^cloudflared version \d{4}\.\d+\.\d+ \(postern \d/);
});

test("what is not a command, and what is not there yet, are one line each", async (context) => {
  const { run } = machine(context);
  for (const [args, says] of [
    [["nonsense"], /nonsense is not a command; --help lists them/],
    [["access", "nonsense"], /access nonsense is not a command/],
    [["access", "constructor"], /is not a command/],
    [["doctor"], /doctor is not available yet/],
  ] as const) {
    const { status, stdout, stderr } = await run([...args]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});

test("somebody who misspells a command or a flag hears which one was meant", async (context) => {
  const { run } = machine(context);
  for (const [args, says] of [
    [["logn"], /: logn is not a command; do you mean postern access login\? --help lists them/],
    [["login"], /do you mean postern access login\?/],
    [["gatway"], /do you mean postern gateway\?/],
    [["acess", "login"], /do you mean postern access\?/],
    [["Dev"], /do you mean postern dev\?/],
    [["int"], /do you mean postern init\?/],
    [["access", "lgoin"], /access lgoin is not a command; do you mean postern access login\?/],
    [["access", "logut"], /do you mean postern access logout\?/],
    [["access", "gateway"], /do you mean postern gateway\?/],
    [["access", "login", "--browser", "x"], /--browser is not a flag.*do you mean --no-browser\?/],
    [["access", "login", "--time-out=1m", "x"], /do you mean --timeout\?/],
    [["access", "list", "--jsno"], /do you mean --json\?/],
    [
      ["gateway", "--confg", "x"],
      /--confg is not a flag.*do you mean --config\? --help lists them/,
    ],
    [["keys", "rotate", "-conf", "x"], /do you mean --config\?/],
    [["dev", "--prot", "1"], /do you mean --port\?/],
    [["dev", "--hepl"], /do you mean --help\?/],
    [["gateway", "postern.yaml"], /write postern gateway --config postern\.yaml$/m],
    [["gateway", "./etc/a.yml"], /write postern gateway --config \.\/etc\/a\.yml$/m],
    [["gateway", "my file.YAML"], /write postern gateway --config FILE$/m],
    [["keys", "rotate", "a.yaml"], /write postern keys rotate --config a\.yaml$/m],
    [["gateway", "start"], /gateway takes only flags, not "start"/],
    [["keys", "rotat"], /keys rotat is not a command; do you mean postern keys rotate\?/],
    [["keys", "shh"], /do you mean postern keys ssh\?/],
    [["keys", "rotate", "now"], /keys rotate takes only flags, not "now"/],
    [["keys", "rotate"], /keys rotate needs a configuration, for example: postern keys rotate/],
    [["keys", "ssh", "--config", "x"], /keys ssh needs an application, for example: postern keys/],
    [["keys", "ssh", "--application", "x"], /keys ssh --application NAME needs a configuration/],
    [["keys", "ssh", "Wiki"], /keys ssh takes only flags, not "Wiki"/],
    [["keys", "ssh", "--aplication", "x"], /do you mean --application\?/],
  ] as const) {
    const { status, stdout, stderr } = await run([...args]);
    assert.deepEqual([status, stdout], [2, ""], args.join(" "));
    assert.match(stderr, says);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});
