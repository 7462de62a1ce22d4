// Flags as Go programs read them: the documentation of the official client writes `-app=URL`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { curl } from "../../src/commands/access/curl.ts";
import { put } from "../../src/commands/access/put.ts";
import { token } from "../../src/commands/access/token.ts";
import {
  asksForHelp,
  asksForJson,
  onlyUrl,
  readCommandLine,
} from "../../src/commands/command-line.ts";
import { commonFlags, machineFlagsWithAliases } from "../../src/commands/flags.ts";
import { CliError } from "../../src/exit-status.ts";
import type { Flag } from "../../src/flag.ts";

const flags: Flag[] = [
  { name: "app", value: "URL", description: "" },
  { name: "format", value: "F", description: "" },
  { name: "quiet", short: "q", description: "" },
  { name: "all", description: "" },
];
const usage = (pattern: RegExp) => (error: unknown) =>
  error instanceof CliError && error.code === "usage" && pattern.test(error.message);

test("a value may follow after a space or =, with one dash or two", () => {
  for (const args of [["--app", "x"], ["--app=x"], ["-app", "x"], ["-app=x"]]) {
    const line = readCommandLine(args, flags);
    assert.deepEqual([line.value("app"), line.rest], ["x", []], args.join(" "));
  }
});

test("a value may be empty, hold = and look like a flag; the last one counts, and all are there", () => {
  const line = readCommandLine(["--app=", "--app", "--quiet", "--app=a=b=c"], flags);
  assert.deepEqual(line.all("app"), ["", "--quiet", "a=b=c"]);
  assert.equal(line.value("app"), "a=b=c");
  assert.equal(line.has("quiet"), false);
  assert.equal(line.has("format"), false);
});

test("a switch stands alone, and may be told true or false", () => {
  for (const given of ["-q", "--quiet", "-quiet", "--quiet=true", "-q=1"])
    assert.ok(readCommandLine([given], flags).has("quiet"), given);
  for (const given of ["--quiet=false", "-q=0"])
    assert.ok(!readCommandLine([given], flags).has("quiet"), given);
  assert.throws(() => readCommandLine(["--quiet=perhaps"], flags), usage(/is a switch/));
  assert.deepEqual(
    readCommandLine(["--quiet", "false"], flags).rest,
    ["false"],
    "what follows is no value of it",
  );
});

test("letters do not cluster, and names are not abbreviated", () => {
  for (const given of ["-qa", "--qui", "--app-x", "-x"])
    assert.throws(
      () => readCommandLine([given], flags),
      usage(/not a flag of this command/),
      given,
    );
});

test("names that every object has are no flags", () => {
  for (const name of ["constructor", "__proto__", "toString"])
    assert.throws(() => readCommandLine([`--${name}`], flags), usage(/not a flag/), name);
});

test("a lone dash and what follows -- are arguments, whatever they look like", () => {
  assert.deepEqual(readCommandLine(["-", "--", "--app", "x", "--"], flags).rest, [
    "-",
    "--app",
    "x",
    "--",
  ]);
});

test("flags may stand behind arguments, unless the rest belongs to a tool", () => {
  const behind = readCommandLine(["url", "-q"], flags);
  assert.deepEqual([behind.rest, behind.has("quiet")], [["url"], true]);
  const tool = readCommandLine(["-q", "wget", "-q", "--app", "y", "--", "z"], flags, {
    toolFollows: true,
  });
  assert.deepEqual(tool.rest, ["wget", "-q", "--app", "y", "--", "z"]);
  assert.deepEqual(tool.all("quiet"), ["true"]);
});

test("a value that is missing is named", () => {
  assert.throws(() => readCommandLine(["--app"], flags), usage(/--app needs a value/));
});

test("an error repeats no more of an argument than its name: a value may be a secret", () => {
  assert.throws(
    () => readCommandLine(["--sercet=hunter2"], flags),
    (error: unknown) => error instanceof CliError && !error.message.includes("hunter2"),
  );
});

test("the official client's short names of the service token are known", () => {
  const line = readCommandLine(
    ["--id", "a", "-secret=b"],
    [...commonFlags, ...machineFlagsWithAliases],
  );
  assert.deepEqual(
    [line.value("service-token-id"), line.value("service-token-secret")],
    ["a", "b"],
  );
});

test("a command about one URL takes it as argument or as --app, and nothing twice", () => {
  const url = (...args: string[]) => onlyUrl(readCommandLine(args, flags), "token");
  assert.equal(url("a"), "a");
  assert.equal(url("-app", "a"), "a");
  assert.throws(() => url(), usage(/needs the URL/));
  assert.throws(() => url("a", "b"), usage(/takes one URL/));
  assert.throws(() => url("--app", "a", "b"), usage(/takes one URL/));
});

test("a flag that is absent has its default, and is absent all the same", () => {
  const withDefault: Flag[] = [{ name: "via", value: "WAY", description: "", default: "query" }];
  const absent = readCommandLine([], withDefault);
  assert.deepEqual(
    [absent.value("via"), absent.all("via"), absent.has("via")],
    ["query", ["query"], false],
  );
  assert.equal(readCommandLine(["--via=env"], withDefault).value("via"), "env");
});

test("help and JSON errors are asked for by what is surely ours, and never by a tool's arguments", () => {
  const url = "https://app.example";
  for (const [command, args, help, json] of [
    [token, [url, "--help"], true, false],
    [token, ["-h", "--json"], true, true],
    [token, ["--json=false", url], false, false],
    [token, ["--", "--help", "--json"], false, false],
    [put, ["--via", "env", "--json", "--help"], true, true],
    [put, ["--via", "env", "wget", "--help", "--json"], false, false],
    [put, ["--", "wget", "--help"], false, false],
    [curl, ["--help"], true, false],
    [curl, ["-h"], false, false],
    [curl, ["--no-login", "--help", "--json", "{}"], false, false],
    [curl, ["--json", "{}", url], false, false],
  ] as const)
    assert.deepEqual(
      [asksForHelp(command, args), asksForJson(command, args)],
      [help, json],
      `${command.name} ${args.join(" ")}`,
    );
});
