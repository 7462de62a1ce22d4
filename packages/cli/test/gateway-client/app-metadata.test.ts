// Each rule of wire-protocol 6.1, against a gateway that breaks that one: the description is signed
// and would otherwise be believed.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import { CliError, type FailureCode } from "../../src/exit-status.ts";
import { findApplication } from "../../src/gateway-client/app-metadata.ts";
import { surroundings, type TestSurroundings } from "../support/context.ts";
import { end, json, type Peer, startPeer } from "../support/peer.ts";

interface Scene {
  peer: Peer;
  where: TestSurroundings;
  /** asks with these claims in the description */
  find(claims?: Record<string, unknown>, path?: string): ReturnType<typeof findApplication>;
}

async function scene(context: TestContext): Promise<Scene> {
  const peer = await startPeer(context);
  const where = surroundings(context);
  return {
    peer,
    where,
    find: (claims = {}, path = "/") => {
      peer.answer = async (seen, response) => {
        if (seen.headers["cf-access-metadata-request"] === undefined) return false;
        response.setHeader("cf-access-metadata", await peer.metadata("app", claims));
        end(response, 204);
        return true;
      };
      return findApplication(where, readAppUrl(peer.origin("app") + path));
    },
  };
}

const failing = (code: FailureCode, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CliError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, pattern);
  return true;
};
const seconds = () => Math.floor(Date.now() / 1000);

test("a description that keeps the rules is believed, and the team domain is named once", async (context) => {
  const { peer, where, find } = await scene(context);
  const found = await find();
  assert.equal(found.team, peer.team);
  assert.equal(found.aud, peer.auds["app.localhost"]);
  assert.equal(found.relay, `${peer.team}/transfer/`);
  assert.equal(
    where.told.filter((line) => /belongs to the team domain login\.localhost/.test(line)).length,
    1,
  );
  await find();
  assert.equal(peer.requests.length, 2, "one question, one look at the keys, then memory");
});

test("the question holds nothing but the host and the path, and follows no redirect", async (context) => {
  const { peer, where } = await scene(context);
  await findApplication(where, readAppUrl(`http://ada:pw@app.localhost:${peer.port}/x?secret=1#y`));
  const [asked] = peer.requests;
  assert.deepEqual([asked?.method, asked?.url], ["HEAD", "/x"]);
  assert.equal(asked?.headers.authorization, undefined);
  assert.equal(asked?.headers.cookie, undefined);
  peer.answer = (seen, response) => {
    if (seen.url.includes("/elsewhere")) assert.fail("followed");
    end(response, 302, "/elsewhere");
    return true;
  };
  await assert.rejects(
    findApplication(where, readAppUrl(`${peer.origin("other")}/`)),
    failing("not_behind_access", /is not behind Access/),
  );
});

test("claims that do not fit are refused, one by one", async (context) => {
  const { find } = await scene(context);
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ["another type", { type: "app" }, /does not describe an application/],
    ["no type", { type: undefined }, /does not describe/],
    ["another host", { hostname: "other.localhost" }, /is for other\.localhost/],
    ["a host that contains ours", { hostname: "app.localhost.evil" }, /is for/],
    ["no host", { hostname: undefined }, /has no hostname/],
    ["older than a day", { iat: seconds() - 24 * 3600 - 60 }, /more than a day old/],
    ["from the future", { iat: seconds() + 5 * 60 + 60 }, /in the future/],
    ["no time", { iat: undefined }, /does not describe/],
    ["a time that is no number", { iat: String(seconds()) }, /does not describe/],
    ["an endless time", { iat: 1e300 }, /does not describe/],
    [
      "a pattern that does not cover the host",
      { app_hostname: "other.localhost" },
      /does not cover this host/,
    ],
    ["a pattern one level off", { app_hostname: "*.app.localhost" }, /does not cover this host/],
    ["a pattern that is none", { app_hostname: "https://app.localhost" }, /has a scheme/],
    ["a pattern that is no text", { app_hostname: 5 }, /does not cover this host/],
    ["no AUD", { aud: undefined }, /has no aud/],
    ["an AUD that is a path", { aud: "../../x" }, /no usable AUD/],
    ["an AUD that is a list", { aud: ["a"] }, /has no aud/],
    [
      "a relay elsewhere",
      { transfer_url: "https://evil.example/transfer/" },
      /relay that is not on its team domain/,
    ],
    [
      "a relay on the application's own host",
      { transfer_url: "http://app.localhost/transfer/" },
      /relay that is not/,
    ],
    ["a relay that is no URL", { transfer_url: "transfer" }, /relay that is not/],
    ["a relay that is a number", { transfer_url: 5 }, /relay that is not/],
  ];
  for (const [what, claims, pattern] of wrong)
    await assert.rejects(find(claims), failing("unverified", pattern), what);
});

test("a team domain that could not be one is refused before anything is asked of it", async (context) => {
  const { peer, find } = await scene(context);
  for (const name of [
    "",
    "login.localhost/x",
    "a@login.localhost",
    "LOGIN.localhost",
    "login.localhost:80:80",
    "file:///x",
    "-",
    "a b",
    5,
    null,
  ]) {
    await assert.rejects(
      find({ auth_domain: name }),
      failing("unverified", /names no usable team domain|has no auth_domain/),
      String(name),
    );
  }
  assert.ok(peer.requests.every(({ method }) => method === "HEAD"));
});

test("a description is believed up to the limits of its age", async (context) => {
  const { find, where } = await scene(context);
  await find({ iat: seconds() - 24 * 3600 + 60, max_age: undefined }, "/old");
  await find({ iat: seconds() + 5 * 60 - 60, max_age: undefined }, "/new");
  where.ahead = 10 * 60_000;
  await find({ iat: seconds() + 14 * 60, max_age: undefined }, "/clock");
});

test("without scope and age it holds for this very path and five minutes; with them for as much as they say", async (context) => {
  const { find, where } = await scene(context);
  const exact = await find({ path_scope: undefined, max_age: undefined }, "/a/b");
  assert.deepEqual([exact.scope, exact.exact], ["/a/b", true]);
  assert.ok(exact.fresh_until <= where.now() + 5 * 60_000);
  const scoped = await find({ path_scope: "/c", max_age: 60 }, "/c/d");
  assert.deepEqual([scoped.scope, scoped.exact], ["/c", false]);
  assert.ok(scoped.fresh_until <= where.now() + 60_000);
  assert.ok(
    (await find({ path_scope: "/e", max_age: 1e9 }, "/e")).fresh_until <=
      where.now() + 24 * 3600_000,
    "no longer than a day",
  );
  for (const claims of [
    { path_scope: "/x" },
    { path_scope: "g" },
    { path_scope: "/f", max_age: -1 },
    { path_scope: "/f", max_age: "60" },
    { path_scope: 5 },
  ])
    assert.equal(
      (await find({ max_age: 60, ...claims }, "/f/g")).exact,
      true,
      `${JSON.stringify(claims)} says nothing`,
    );
});

test("a host that was never behind Access, one that is too old, and one that is silent are told apart", async (context) => {
  const { peer, where } = await scene(context);
  const ask = () => findApplication(where, readAppUrl(`${peer.origin("app")}/`));
  const answers: [FailureCode, RegExp, (response: import("node:http").ServerResponse) => void][] = [
    ["not_behind_access", /is not behind Access/, (response) => end(response, 200)],
    [
      "unverified",
      /too old/,
      (response) => end(response, 302, `${peer.team}/cdn-cgi/access/login/x`),
    ],
    [
      "unverified",
      /cannot be read|no usable team domain/,
      (response) => end(response.setHeader("cf-access-metadata", "a.b.c"), 204),
    ],
    ["unreachable", /cannot be reached/, (response) => response.socket?.destroy()],
  ];
  for (const [code, pattern, give] of answers) {
    peer.answer = (_, response) => {
      give(response);
      return true;
    };
    await assert.rejects(ask(), failing(code, pattern));
  }
  await peer.close();
  await assert.rejects(ask(), failing("unreachable", /nothing answers at/));
});

test("an answer that the team domain did not sign is refused, and bad ones do not become a stream of requests", async (context) => {
  const { peer, where, find } = await scene(context);
  await find();
  // So that what was said then does not hold any more.
  const later = 2 * 3_600_000;
  where.ahead = later;
  const forged = await startPeer(context);
  const certs = () => peer.requests.filter(({ url }) => url === "/cdn-cgi/access/certs").length;
  const before = certs();
  peer.answer = async (seen, response) => {
    if (seen.headers["cf-access-metadata-request"] === undefined) return false;
    response.setHeader(
      "cf-access-metadata",
      await forged.metadata("app", {
        auth_domain: new URL(peer.team).host,
        transfer_url: undefined,
      }),
    );
    end(response, 204);
    return true;
  };
  const ask = (path: string) => findApplication(where, readAppUrl(peer.origin("app") + path));
  for (const path of ["/%41", "/%42", "/%43"])
    await assert.rejects(ask(path), failing("unverified", /not signed with its keys/));
  assert.equal(certs() - before, 1, "the keys are fetched again once a minute at most");
  where.ahead = later + 61_000;
  await assert.rejects(ask("/%44"), CliError);
  assert.equal(certs() - before, 2);
});

test("keys are taken from the team domain alone, without redirects and within a bound", async (context) => {
  const { peer, where } = await scene(context);
  const elsewhere = await startPeer(context);
  const answers: ((response: import("node:http").ServerResponse) => void)[] = [
    (response) => end(response, 302, `${elsewhere.team}/cdn-cgi/access/certs`),
    (response) => json(response, 200, { keys: "none" }),
    (response) => json(response, 200, { keys: [], padding: "x".repeat(1024 * 1024) }),
    (response) => json(response, 500, { keys: [] }),
    (response) =>
      json(response, 200, {
        keys: [
          null,
          5,
          { kty: "RSA", kid: "k1", n: "AQAB", e: "AQAB" },
          { kty: "oct", kid: "k1", k: "AA" },
        ],
      }),
  ];
  for (const give of answers) {
    peer.answer = (seen, response) => {
      if (seen.url !== "/cdn-cgi/access/certs") return false;
      give(response);
      return true;
    };
    await assert.rejects(
      findApplication(where, readAppUrl(peer.origin("app"))),
      failing("unverified", /cannot be verified|not signed|sent more than/),
    );
  }
  assert.deepEqual(elsewhere.requests, []);
});
