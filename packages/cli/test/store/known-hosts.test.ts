// What is remembered of a host, and for which of its paths.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import {
  type Application,
  forget,
  isBelow,
  longestFreshness,
  remember,
  rememberedApplication,
  rememberedTeam,
} from "../../src/store/known-hosts.ts";
import { surroundings } from "../support/context.ts";

const application = (more: Partial<Application> = {}): Application => ({
  origin: "https://api.example.com",
  asked_at: Date.now(),
  auth_domain: "login.example.com",
  team: "https://login.example.com",
  app_hostname: "api.example.com",
  aud: "a".repeat(64),
  relay: "https://login.example.com/transfer/",
  login: true,
  scope: "/",
  exact: false,
  fresh_until: Date.now() + 60_000,
  ...more,
});

function knowing(
  context: TestContext,
  known: Partial<Application>,
  url = "https://api.example.com/",
) {
  const where = surroundings(context);
  remember(where, readAppUrl(url), application(known));
  return { where, found: (asked: string) => rememberedApplication(where, readAppUrl(asked)) };
}

test("a scope covers what lies below it on segment boundaries", (context) => {
  const { found } = knowing(context, { scope: "/v1/" });
  for (const path of ["/v1/", "/v1/orders", "/v1/a/b"])
    assert.ok(found(`https://api.example.com${path}`), path);
  for (const path of ["/", "/v1", "/v10", "/v10/x", "/V1/x"])
    assert.equal(found(`https://api.example.com${path}`), undefined, path);
  assert.ok(isBelow("/v1", "/v1"));
  assert.ok(isBelow("/v1/x", "/v1"));
  assert.ok(!isBelow("/v1x", "/v1"));
});

test("a path that the gateway may read differently is not taken from memory: it may lie elsewhere", (context) => {
  const { found } = knowing(context, { scope: "/v1/" });
  for (const path of [
    "/v1/%2e%2e/admin",
    "/v1/%2E%2E%2Fadmin",
    "/v1//admin",
    "/v1/a;x=1/..;/b",
    "/v1/%5c..%5cadmin",
    "/v1/é",
  ])
    assert.equal(found(`https://api.example.com${path}`), undefined, path);
});

test("an exact description is for that very path", (context) => {
  const { found } = knowing(context, { scope: "/v1", exact: true });
  assert.ok(found("https://api.example.com/v1?x=1"));
  assert.equal(found("https://api.example.com/v1/x"), undefined);
});

test("another scheme, host or port is another host", (context) => {
  const { where, found } = knowing(context, {});
  assert.ok(found("https://api.example.com/x"));
  for (const url of [
    "https://api.example.com:8443/x",
    "https://www.example.com/",
    "https://example.com/",
  ]) {
    assert.equal(found(url), undefined, url);
    assert.equal(rememberedTeam(where, readAppUrl(url)), undefined, url);
  }
});

test("a description is believed while it is fresh, never for longer than a day, and not when it is from the future", (context) => {
  const now = Date.now();
  assert.equal(
    knowing(context, { fresh_until: now - 1 }).found("https://api.example.com/"),
    undefined,
  );
  assert.equal(
    knowing(context, { fresh_until: now + longestFreshness + 60_000 }).found(
      "https://api.example.com/",
    ),
    undefined,
  );
  const { where, found } = knowing(context, { fresh_until: now + 60_000 });
  where.ahead = 61_000;
  assert.equal(found("https://api.example.com/"), undefined);
  assert.equal(
    rememberedTeam(where, readAppUrl("https://api.example.com/")),
    "login.example.com",
    "the team domain stays",
  );
});

test("forget takes a host with or without its port, and says what it forgot", (context) => {
  const where = surroundings(context);
  for (const url of [
    "https://api.example.com/",
    "https://api.example.com:8443/",
    "https://www.example.com/",
  ])
    remember(where, readAppUrl(url), application());
  assert.deepEqual(forget(where, "api.example.com:8443"), ["https://api.example.com:8443"]);
  assert.deepEqual(forget(where, "API.example.com"), ["https://api.example.com"]);
  assert.deepEqual(forget(where, "nothing.example.com"), []);
  assert.equal(rememberedTeam(where, readAppUrl("https://www.example.com/")), "login.example.com");
});

test("a record that is about another host, or cannot be read, is as good as none", (context) => {
  const { where } = knowing(context, {});
  const directory = join(where.home, "hosts");
  const [name = ""] = readdirSync(directory);
  for (const text of [
    '{"host":"https://evil.example","auth_domain":"x","applications":[]}',
    "{",
    "[]",
    '{"host":"https://api.example.com"}',
  ]) {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    assert.equal(rememberedTeam(where, readAppUrl("https://api.example.com/")), undefined, text);
  }
});
