// What a curl command line will ask, file by file and section by section, and how the credential
// may travel there.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCurlArguments } from "../../src/curl/curl-arguments.ts";
import { addCredentials, addMachineFields } from "../../src/curl/curl-credentials.ts";
import { type Carrier, type CurlSection, optionValues } from "../../src/curl/curl-section.ts";
import { readSections } from "../../src/curl/curl-sections.ts";
import { CliError } from "../../src/exit-status.ts";
import type { SecretDescriptors } from "../../src/tool/secret-descriptor.ts";

function folder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "postern-curl-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function sections(args: string[], environment: NodeJS.ProcessEnv = {}): CurlSection[] {
  return readSections({ environment }, readCurlArguments(args, []).parts);
}

const asked = (section: CurlSection | undefined) =>
  [...(section?.targets.values() ?? [])].map(({ app }) => app.bare);
const written = (section: CurlSection | undefined) =>
  (section?.parts ?? []).flatMap((part) => part.args);
const usage = (pattern: RegExp) => (error: unknown) =>
  error instanceof CliError && error.code === "usage" && pattern.test(error.message);

test("plain http and no scheme at all are written out as what was looked at", () => {
  const [section] = sections([
    "http://a.example/x?y=1",
    "http://b.example:80/",
    "c.example",
    "--url=http://d.example/",
    "localhost:1/x",
    "ftp://f.example/",
  ]);
  assert.deepEqual(written(section), [
    "https://a.example/x?y=1",
    "https://b.example/",
    "https://c.example",
    "--url=https://d.example/",
    "http://localhost:1/x",
    "ftp://f.example/",
  ]);
  assert.equal(asked(section).length, 5, "ftp has nothing to do with Access");
});

test("a file of options is read as curl reads it, with dashes before a name and without", (context) => {
  const file = join(folder(context), "options");
  const proxies: [line: string, proxy: string | undefined][] = [
    ["-xhttp://p.example:1", "http://p.example:1"],
    ["-x http://p.example:1", "http://p.example:1"],
    ["-sSxhttp://p.example:1", "http://p.example:1"],
    ["--proxy http://p.example:1", "http://p.example:1"],
    ['  --proxy\t"http://p.example:1" # a comment', "http://p.example:1"],
    ["proxy=http://p.example:1", "http://p.example:1"],
    ["Proxy : http://p.example:1", "http://p.example:1"],
    ["# proxy = http://p.example:1", undefined],
  ];
  for (const [line, proxy] of proxies) {
    writeFileSync(file, `${line}\r\n`);
    const [section] = sections(["-K", file, "https://a.example/"]);
    assert.ok(section);
    assert.deepEqual(optionValues(section, "proxy"), proxy === undefined ? [] : [proxy], line);
  }
});

test("a URL is looked up under the path that curl will ask, and a glob in its directory", () => {
  assert.deepEqual(asked(sections(["https://a.example/x/../y"])[0]), ["https://a.example/y"]);
  assert.deepEqual(
    asked(sections(["https://a.example/files/part[1-3].csv", "https://a.example/{x,y}/z"])[0]),
    ["https://a.example/files/", "https://a.example/"],
  );
  assert.deepEqual(
    asked(sections(["-g", "https://a.example/v[1]"])[0]),
    ["https://a.example/v[1]"],
    "-g switches globs off",
  );
  assert.deepEqual(
    asked(sections(["-g", "https://a.example/v[1]", "--next", "https://a.example/v[1]"])[1]),
    ["https://a.example/"],
  );
  assert.deepEqual(
    asked(sections(["http://[::1]:1/x"])[0]),
    ["http://[::1]:1/x"],
    "an IPv6 address is no glob",
  );
  for (const url of ["https://{a,b}.example/", "https://a[1-2].example/"])
    assert.throws(() => sections([url]), usage(/matches several hosts/), url);
});

test("a glob behind the path does not widen what is looked up", () => {
  const looksUp: [url: string, bare: string][] = [
    ["http://localhost:1/v1?page=[1-2]", "http://localhost:1/v1"],
    ["https://a.example/v1/orders?id={7,8}&x=1", "https://a.example/v1/orders"],
    ["https://a.example/v1#part[1-3]", "https://a.example/v1"],
    ["https://a.example/v1/?path=/x/{a,b}/y", "https://a.example/v1/"],
    ["https://a.example/v1#{a,b}?c=[1-2]", "https://a.example/v1"],
    ["a.example/v1?page=[1-2]", "https://a.example/v1"],
    ["https://a.example?page=[1-2]", "https://a.example/"],
    // One that begins in the path does, whatever it holds.
    ["https://a.example/v1/{a?x=1,b?x=2}", "https://a.example/v1/"],
    ["https://a.example/v1/[1-2]?page=[1-2]", "https://a.example/v1/"],
  ];
  for (const [url, bare] of looksUp) assert.deepEqual(asked(sections([url])[0]), [bare], url);
});

test("files are read as curl reads them, files that they name as well, and .curlrc unless -q comes first", (context) => {
  const directory = folder(context);
  const inner = join(directory, "inner");
  const outer = join(directory, "outer");
  writeFileSync(inner, 'url = "https://inner.example/"\nlocation\n');
  writeFileSync(outer, `config = "${inner}"\nurl = https://outer.example/\n`);
  const [section] = sections(["-K", outer, "https://line.example/"]);
  assert.deepEqual(asked(section).sort(), [
    "https://inner.example/",
    "https://line.example/",
    "https://outer.example/",
  ]);
  assert.equal(section?.hasUnreadUrls, false);
  mkdirSync(join(directory, ".config"));
  writeFileSync(join(directory, ".curlrc"), "location\nurl = https://rc.example/\n");
  const environment = { HOME: directory };
  assert.deepEqual(asked(sections(["https://line.example/"], environment)[0]).sort(), [
    "https://line.example/",
    "https://rc.example/",
  ]);
  for (const flag of ["-q", "--disable", "-qs"])
    assert.deepEqual(
      asked(sections([flag, "https://l.example/"], environment)[0]),
      ["https://l.example/"],
      flag,
    );
  assert.deepEqual(
    asked(sections(["https://a.example/", "--next", "https://b.example/"], environment)[1]),
    ["https://b.example/"],
  );
});

test("a file that cannot be given tokens in its place is refused, in words", (context) => {
  const file = join(folder(context), "urls");
  for (const [text, pattern] of [
    ["next\n", /contains "next"/],
    ["url = http://a.example/\n", /without https:\/\//],
    ["url = a.example\n", /without https:\/\//],
  ] as const) {
    writeFileSync(file, text);
    assert.throws(() => sections(["-K", file]), usage(pattern), text);
  }
});

test("URLs that nobody can see beforehand are known to be there", (context) => {
  const loop = join(folder(context), "loop");
  writeFileSync(loop, `config = "${loop}"\n`);
  for (const args of [
    ["-K", "-"],
    ["--url", "@list"],
    ["--expand-url", "{{x}}"],
    ["-K", "/nowhere"],
    ["-K", loop],
  ])
    assert.equal(sections(["https://a.example/", ...args])[0]?.hasUnreadUrls, true, args.join(" "));
});

/** Stands for the descriptors: remembers what was hidden, and under which name. */
function hidden() {
  const texts: string[] = [];
  const secrets = {
    add: (text: string) => `/dev/fd/${2 + texts.push(text)}`,
  } as unknown as SecretDescriptors;
  return { texts, secrets };
}

function withTokens(args: string[], tokenOf: (url: string) => string = () => "tok"): CurlSection {
  const [section] = sections(args);
  assert.ok(section);
  for (const target of section.targets.values()) {
    target.credential = {
      application: { scope: target.app.pathname, auth_domain: "login.example" } as never,
      stored: { token: tokenOf(target.app.bare), expires_at: 99 } as never,
    };
  }
  return section;
}

function add(args: string[], carrier: Carrier = "cookie", tokenOf?: (url: string) => string) {
  const { texts, secrets } = hidden();
  const said: string[] = [];
  return {
    args: addCredentials(withTokens(args, tokenOf), carrier, secrets, (line) => said.push(line)),
    texts,
    said,
  };
}

test("the cookie is scoped to host, path and https, one for each URL", () => {
  const { args, texts } = add(
    ["https://a.example/v1/x", "http://localhost:1/y", "-s"],
    "cookie",
    (url) => `for-${new URL(url).hostname}`,
  );
  assert.deepEqual(args, [
    "https://a.example/v1/x",
    "http://localhost:1/y",
    "-s",
    "-b",
    "/dev/fd/3",
  ]);
  assert.deepEqual(texts[0]?.trim().split("\n").slice(1), [
    "a.example\tFALSE\t/v1/x\tTRUE\t99\tCF_Authorization\tfor-a.example",
    "localhost\tFALSE\t/y\tFALSE\t99\tCF_Authorization\tfor-localhost",
  ]);
});

test("where curl and URL escape a path differently, the cookie is for the directory above", () => {
  const scopes = (url: string) => add([url]).texts[0]?.split("\n")[1]?.split("\t")[2];
  assert.equal(scopes("https://a.example/x/é/y"), "/x/");
  assert.equal(scopes("https://a.example/x%20y/z"), "/");
  assert.equal(scopes("https://a.example/x-y_z~.$&'()*+,;=:@/z"), "/x-y_z~.$&'()*+,;=:@/z");
});

test("a header goes nowhere but to URLs that were looked at: not with -L, not with URLs unseen, not to two applications (C11)", () => {
  assert.deepEqual(add(["https://a.example/"], "header").args, [
    "https://a.example/",
    "-H",
    "@/dev/fd/3",
    "--no-location",
  ]);
  for (const args of [
    ["-L"],
    ["--location"],
    ["--location-trusted"],
    ["-sL"],
    ["--locati"],
    ["-K", "-"],
    ["--url", "@x"],
    ["--expand-url", "y"],
  ]) {
    assert.throws(
      () => add(["https://a.example/", ...args], "header"),
      usage(/header/),
      args.join(" "),
    );
    const service = () =>
      addMachineFields(
        withTokens(["https://a.example/", ...args]),
        { "cf-access-client-id": "i", "cf-access-client-secret": "s" },
        hidden().secrets,
      );
    assert.throws(service, usage(/header/), args.join(" "));
  }
  const several = () => add(["https://a.example/", "https://b.example/"], "header", (url) => url);
  assert.throws(several, usage(/belong to different applications/));
  assert.throws(
    () =>
      addMachineFields(
        withTokens(["-K", "-"]),
        { "cf-access-client-id": "i", "cf-access-client-secret": "s" },
        hidden().secrets,
      ),
    usage(/header/),
  );
});

test("a cookie jar, and a token that is too long for curl's cookies, make it a header where that can be", () => {
  assert.ok(add(["-c", "jar", "https://a.example/"]).args.includes("-H"));
  const { args, said } = add(["-c", "jar", "-L", "https://a.example/"]);
  assert.ok(args.includes("-b"));
  assert.match(said.join(), /write the access token into the cookie jar/);
  const long = () => "x".repeat(4100);
  assert.ok(add(["https://a.example/"], "cookie", long).args.includes("-H"));
  assert.throws(() => add(["-L", "https://a.example/"], "cookie", long), CliError);
});

test("in the query the token stands before the fragment, and the URL in a file of its own", () => {
  const { args, texts } = add(["-o", "out", "https://a.example/?x=[1-2]#f", "-s"], "query");
  assert.deepEqual(args, ["-o", "out", "-K", "/dev/fd/3", "-s"]);
  assert.equal(texts[0], 'url = "https://a.example/?x=[1-2]&token=tok#f"\n');
});
