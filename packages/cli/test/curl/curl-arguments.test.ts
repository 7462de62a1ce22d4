// A curl command line taken apart: which arguments are URLs, which belong to options, and which
// flags are ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { curl } from "../../src/commands/access/curl.ts";
import { type CurlPart, readCurlArguments } from "../../src/curl/curl-arguments.ts";
import { quoteForCurlConfig, readCurlConfig } from "../../src/curl/curl-config.ts";
import { CliError } from "../../src/exit-status.ts";

const urls = (parts: CurlPart[]) =>
  parts.flatMap((part) => (part.kind === "url" ? [part.url] : []));
const read = (...args: string[]) => readCurlArguments(args, curl.flags);
const whole = (parts: CurlPart[]) => parts.flatMap((part) => part.args);

test("the URL may stand anywhere, and what belongs to an option is no URL", () => {
  const lines: [string[], string[]][] = [
    [["u"], ["u"]],
    [["u", "-X", "POST"], ["u"]],
    [["-X", "POST", "u"], ["u"]],
    [["-XPOST", "u"], ["u"]],
    [["-sSLo", "file", "u"], ["u"]],
    [["-sSLofile", "u"], ["u"]],
    [["-d", "http://in.data/", "u"], ["u"]],
    [["-H", "Referer: http://x/", "-e", "http://y/", "-A", "http://z/", "u"], ["u"]],
    [
      ["--data", "a=b", "--header", "x", "u", "v"],
      ["u", "v"],
    ],
    [["--url", "u"], ["u"]],
    [
      ["--url", "u", "v", "--url", "w"],
      ["u", "v", "w"],
    ],
    [["--referer", "http://y/", "--compressed", "u"], ["u"]],
    [["-u", "ada:pw", "-x", "http://proxy/", "u"], ["u"]],
    [
      ["-", "u"],
      ["-", "u"],
    ],
  ];
  for (const [args, wanted] of lines)
    assert.deepEqual(urls(read(...args).parts), wanted, args.join(" "));
});

test("an option may be abbreviated as curl allows it", () => {
  assert.deepEqual(urls(read("--user-a", "agent", "u").parts), ["u"]);
  assert.deepEqual(urls(read("--refe", "http://x/", "u").parts), ["u"]);
  assert.deepEqual(urls(read("--compre", "u").parts), ["u"]);
  assert.deepEqual(urls(read("--location-", "u").parts), ["u"]);
});

test("what follows -- are URLs, named as such so that more options can follow", () => {
  const { parts } = read("-s", "--", "-not-a-flag", "u");
  assert.deepEqual(urls(parts), ["-not-a-flag", "u"]);
  assert.deepEqual(whole(parts), ["-s", "--url", "-not-a-flag", "--url", "u"]);
});

test("--next in all its spellings divides the line", () => {
  for (const next of ["--next", "-:", "--nex"]) {
    assert.deepEqual(
      read("u", next, "v").parts.map(({ kind }) => kind),
      ["url", "next", "url"],
      next,
    );
  }
  assert.deepEqual(
    read("-s:", "v").parts.map(({ kind }) => kind),
    ["option", "next", "url"],
    "in a cluster",
  );
});

test("-K files are seen in all spellings", () => {
  for (const args of [
    ["-K", "f"],
    ["-Kf"],
    ["-sKf"],
    ["--config", "f"],
    ["--config=f"],
    ["-K", "-"],
  ]) {
    const found = read(...args).parts.find((part) => part.kind === "config");
    assert.equal(
      found?.kind === "config" && found.file,
      args.at(-1) === "-" ? "-" : "f",
      args.join(" "),
    );
  }
});

test("options that decide what happens to the credential are known by one name", () => {
  const names = (...args: string[]) =>
    read(...args).parts.flatMap((part) => (part.kind === "option" ? [part.name] : []));
  assert.deepEqual(names("-L", "--location", "--location-t"), [
    "location",
    "location",
    "location-trusted",
  ]);
  assert.deepEqual(names("-sL"), ["s", "location"]);
  assert.deepEqual(names("--location-trusted"), ["location-trusted"]);
  assert.deepEqual(names("-c", "jar", "--cookie-jar", "jar"), ["cookie-jar", "cookie-jar"]);
  assert.deepEqual(names("-k", "--cacert", "x"), ["insecure", "cacert"]);
  assert.deepEqual(
    names(
      "--LOCATION",
      "--Cookie-J",
      "jar",
      "--COOKIE-JAR=jar",
      "--Xatt",
      "--expand-COOKIE-J",
      "f",
    ),
    ["location", "cookie-jar", "cookie-jar", "xattr", "expand-cookie-jar"],
    "curl before 8.7 takes names in either case",
  );
  assert.deepEqual(
    names("--url", "@list", "--expand-url", "{{x}}"),
    ["url", "expand-url"],
    "URLs that are not there to be read",
  );
});

test("everything that is not ours passes through untouched, in its place", () => {
  const lines = [
    ["-sS", "-X", "POST", "-d", "@-", "u", "-o", "a", "v", "-o", "b"],
    ["-F", "file=@x;type=a", "--form-string", "a=-b", "u"],
    ["--no-progress-meter", "--no-location", "-Z", "u", "--next", "-I", "v"],
    ["--unknown-option-of-a-later-curl", "u"],
    ["-d"],
  ];
  for (const args of lines) {
    const split = whole(read(...args).parts).join(" ");
    assert.equal(
      split.replaceAll(/-([a-zA-Z]) -(?=[A-Z]$)/g, "-$1"),
      args.join(" ").replace("-sS", "-s -S"),
      args.join(" "),
    );
  }
});

test("our own flags may stand anywhere, and never reach curl", () => {
  const { parts, own } = read(
    "-ar",
    "-s",
    "--no-login",
    "u",
    "--profile",
    "work",
    "--token-in=header",
    "--debug",
    "--ca-file=x",
    "-timeout",
    "5s",
  );
  assert.deepEqual(whole(parts), ["-s", "u"]);
  assert.deepEqual(own, [
    "--allow-request",
    "--no-login",
    "--profile=work",
    "--token-in=header",
    "--debug",
    "--ca-file=x",
    "--timeout=5s",
  ]);
  for (const flag of ["-ar", "--ar", "-allow-request", "--allow-request"])
    assert.deepEqual(read(flag, "u").own, ["--allow-request"], flag);
});

test("what looks like a flag of ours is curl's where it is the value of an option, or follows --", () => {
  assert.deepEqual(whole(read("-d", "--no-login", "u").parts), ["-d", "--no-login", "u"]);
  assert.deepEqual(read("-o", "-ar", "u").own, []);
  assert.deepEqual(urls(read("--", "-ar").parts), ["-ar"]);
});

test("a flag of ours without its value is wrong usage", () => {
  assert.throws(
    () => read("u", "--profile"),
    (error: unknown) => error instanceof CliError && error.code === "usage",
  );
});

test("a configuration file is read as curl reads it", () => {
  const parts = readCurlConfig(
    [
      "# comment",
      "",
      "  url = https://a/  ",
      'url="https://b/ \\"x\\" \\t"',
      "url: https://c/",
      "--url https://d/",
      "-L",
      "silent",
      "user-agent = two words",
      'header = "X: http://not.a.url/"',
      "\tconfig = other\r",
    ].join("\n"),
  );
  assert.deepEqual(urls(parts), ["https://a/", 'https://b/ "x" \t', "https://c/", "https://d/"]);
  assert.deepEqual(parts.filter(({ kind }) => kind === "config").length, 1);
  assert.ok(parts.some((part) => part.kind === "option" && part.name === "location"));
});

test("a configuration file says in curl's words that the next request begins", () => {
  for (const line of ["-:", "--next", "next"]) {
    const kinds = readCurlConfig(`url = https://a/\n${line}\nurl = https://b/`).map(
      ({ kind }) => kind,
    );
    assert.ok(kinds.includes("next"), line);
  }
});

test("a value written for a configuration file is read back as it was", () => {
  for (const text of [
    "https://a/?x=1&y=[1-2]",
    'a"b\\c',
    "tab\tnew\nline\rend",
    "# no comment",
    " spaces ",
  ]) {
    assert.deepEqual(urls(readCurlConfig(`url = ${quoteForCurlConfig(text)}`)), [text]);
  }
});
