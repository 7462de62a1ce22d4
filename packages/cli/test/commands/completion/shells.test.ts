// The scripts in the shells themselves: bash and zsh with a person pressing Tab at their prompt,
// fish by the command with which it completes a line. A stand-in named postern shows which words
// arrive, and asks the real one for candidates.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { watchProcess } from "../../../../../test/support/cli.ts";
import { needs } from "../../../../../test/support/requirements.ts";
import { bin, machine } from "../../support/terminal.ts";

/** What a shell would run, if anything evaluated it. */
const hostileProfile = "x $(touch hit) `touch hit`;touch hit 'q\"";

function scene(context: TestContext) {
  const person = machine(context);
  const { directory, home } = person;
  const standIn = join(directory, "bin/postern");
  const lines = [
    "#!/bin/sh",
    `[ "$1" = completion ] && exec '${process.execPath}' '${bin}' "$@"`,
    `printf '[%s]' "$@"; echo`,
  ];
  writeFileSync(standIn, lines.join("\n"));
  chmodSync(standIn, 0o755);
  const folder = (...names: string[]) => {
    const path = join(home, ...names);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const remember = (name: string, host: string) => {
    const record = { host, auth_domain: "login.example.com", applications: [] };
    const path = join(folder("hosts"), `${name}.json`);
    writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
  };
  remember("api", "https://api.example.com");
  remember("app", "http://app.localhost:8600");
  folder("tokens", "work");
  folder("tokens", encodeURIComponent(hostileProfile));
  writeFileSync(join(directory, "authority.pem"), "");
  return person;
}

/** Types the lines into a shell, one when the one before has been carried out. */
async function type(context: TestContext, shell: string, setUp: string, lines: string[]) {
  const { directory, environment } = scene(context);
  const child = spawn("script", ["-qec", shell, "/dev/null"], {
    cwd: directory,
    env: { ...environment, TERM: "dumb", SHELL: "/bin/sh" },
  });
  context.after(() => child.kill("SIGKILL"));
  const running = watchProcess(child);
  child.stdin.write(`${setUp}; echo rea''dy\n`);
  await running.until(/ready/);
  const outputs: string[] = [];
  for (const [index, line] of lines.entries()) {
    const start = running.stdout().length;
    child.stdin.write(`${line}; echo end''ed-${index}-\n`);
    await running.until(new RegExp(`ended-${index}-`));
    outputs.push(running.stdout().slice(start));
  }
  child.stdin.end("exit\n");
  await running.ended;
  const isHit = execFileSync("find", [directory, "-name", "hit"], { encoding: "utf8" });
  assert.equal(isHit, "", "nothing of what is stored was run");
  return outputs;
}

/** What is typed, Tab as →, and the words that arrive. */
const typed: readonly [line: string, words: string][] = [
  ["postern acc→ tok→", "[access][token]"],
  ["postern access token https→", "[access][token][https://api.example.com]"],
  ["postern access token http://a→/v1", "[access][token][http://app.localhost:8600/v1]"],
  ["postern access token --app=https→", "[access][token][--app=https://api.example.com]"],
  ["postern access token --format ra→", "[access][token][--format][raw]"],
  ["postern access token --format=ra→", "[access][token][--format=raw]"],
  ["postern access list --prof→ wo→", "[access][list][--profile][work]"],
  ["postern access list --profile x→", `[access][list][--profile][${hostileProfile}]`],
  ["postern access list --ca-file auth→", "[access][list][--ca-file][authority.pem]"],
  ["postern access forget api→", "[access][forget][api.example.com]"],
  ["postern access put cat auth→", "[access][put][cat][authority.pem]"],
  ["postern access curl --token→ hea→", "[access][curl][--token-in][header]"],
];

/** A person goes on behind the space that a shell adds. */
function keysOf(line: string): string {
  return line.replaceAll("→ ", "→").replaceAll("→", "\t");
}

test(
  "bash completes commands, flags, values, profiles, applications and files",
  needs("bash", "script"),
  async (context) => {
    const lines = typed.map(([line]) => keysOf(line));
    const setUp = "source <(postern completion bash)";
    const outputs = await type(context, "bash --norc --noprofile -i", setUp, lines);
    for (const [index, [line, words]] of typed.entries())
      assert.ok(outputs[index]?.includes(`${words}\r\n`), `${line}:\n${outputs[index]}`);
  },
);

test(
  "zsh completes commands, flags, values, profiles, applications and files",
  needs("zsh", "script"),
  async (context) => {
    const lines = typed.map(([line]) => keysOf(line));
    const setUp = "autoload -Uz compinit && compinit -u -D && source <(postern completion zsh)";
    const outputs = await type(context, "zsh -f -i", setUp, lines);
    for (const [index, [line, words]] of typed.entries())
      assert.ok(outputs[index]?.includes(`${words}\r\n`), `${line}:\n${outputs[index]}`);
  },
);

test(
  "fish completes commands, flags, values, profiles, applications and files",
  needs("fish"),
  (context) => {
    const { directory, environment } = scene(context);
    const candidatesFor = (line: string) => {
      const script = `postern completion fish | source; complete -C '${line}'`;
      const options = { cwd: directory, env: environment, encoding: "utf8" } as const;
      const lines = execFileSync("fish", ["--no-config", "-c", script], options).trim().split("\n");
      return lines.map((each) => each.split("\t")[0]);
    };
    for (const [line, ...candidates] of [
      ["postern acc", "access"],
      ["postern access tok", "token"],
      ["postern access token https", "https://api.example.com"],
      ["postern access token --app=https", "--app=https://api.example.com"],
      ["postern access token --format ra", "raw"],
      ["postern access list --prof", "--profile"],
      ["postern access list --profile ", "work", hostileProfile],
      ["postern access list --ca-file auth", "authority.pem"],
      ["postern access forget api", "api.example.com"],
      ["postern access put cat auth", "authority.pem"],
      ["postern access put --vi", "--via"],
      ["postern access curl --token-in h", "header"],
    ] as const) {
      assert.deepEqual(candidatesFor(line).toSorted(), candidates.toSorted(), line);
    }
  },
);
