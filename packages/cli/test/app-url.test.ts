// The URL as a person types it: what is sent is made of the parsed one, and never in the clear.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAppUrl, teamOrigin } from "../src/app-url.ts";
import { CliError } from "../src/exit-status.ts";

test("without a scheme, and with http, it is https; on loopback names http (wire-protocol 9)", () => {
  const cases: [string, string][] = [
    ["api.example.com", "https://api.example.com/"],
    ["api.example.com:8443/v1", "https://api.example.com:8443/v1"],
    ["http://api.example.com/x", "https://api.example.com/x"],
    ["http://api.example.com:80/x", "https://api.example.com/x"],
    ["HTTP://API.Example.COM/X", "https://api.example.com/X"],
    ["http://127.0.0.1.example.com/", "https://127.0.0.1.example.com/"],
    ["http://localhost.example.com/", "https://localhost.example.com/"],
    ["localhost", "http://localhost/"],
    ["localhost:443", "http://localhost:443/"],
    ["echo.localhost:8600/a", "http://echo.localhost:8600/a"],
    ["https://echo.localhost:8600/a", "https://echo.localhost:8600/a"],
    ["http://127.0.0.1:1/", "http://127.0.0.1:1/"],
    ["http://[::1]:1/", "http://[::1]:1/"],
    ["http://0x7f.1/", "http://127.0.0.1/"],
    ["http://10.0.0.1/", "https://10.0.0.1/"],
  ];
  for (const [written, bare] of cases) assert.equal(readAppUrl(written).bare, bare, written);
});

test("userinfo, query and fragment do not say which application it is", () => {
  const app = readAppUrl("https://ada:pw@api.example.com/a/../b?x=1#y");
  assert.equal(app.bare, "https://api.example.com/b");
  assert.equal(app.origin, "https://api.example.com");
  assert.equal(app.hostname, "api.example.com");
});

test("the host is what every reader takes for the host", () => {
  assert.equal(readAppUrl("https://app.example.com@evil.example/").hostname, "evil.example");
  assert.equal(readAppUrl("https://api.example.com./").hostname, "api.example.com");
  assert.equal(readAppUrl("https://münchen.example/").hostname, "xn--mnchen-3ya.example");
  for (const text of [
    "https://app.example.com\\@evil.example/",
    "https://a b/",
    "https://a\tb/",
    "https://a\nb/",
    "https:///",
    "https://",
  ])
    assert.throws(() => readAppUrl(text), CliError, JSON.stringify(text));
});

test("other schemes, flags and nonsense are refused", () => {
  for (const text of [
    "",
    "ftp://a/",
    "file:///etc/passwd",
    "javascript://x/%0aalert(1)",
    "-oProxyCommand=x",
    "https://-x/",
    "https://{a,b}.example/",
  ])
    assert.throws(
      () => readAppUrl(text),
      (error: unknown) => error instanceof CliError && error.code === "usage",
      text,
    );
});

test("what is wrong with a URL is said without its password and its query", () => {
  for (const text of [
    "https://ada:geheim@exa mple/?token=geheim",
    "ada:geheim@exa mple",
    "https://exa mple/x?geheim#y",
  ]) {
    assert.throws(
      () => readAppUrl(text),
      (error: unknown) => error instanceof CliError && !error.message.includes("geheim"),
      text,
    );
  }
});

test("a team domain is asked over http only where application and team domain are on this machine", () => {
  assert.equal(
    teamOrigin({ protocol: "http:" }, "login.localhost:8600"),
    "http://login.localhost:8600",
  );
  assert.equal(teamOrigin({ protocol: "http:" }, "login.example.com"), "https://login.example.com");
  assert.equal(
    teamOrigin({ protocol: "https:" }, "login.localhost:8600"),
    "https://login.localhost:8600",
  );
});
