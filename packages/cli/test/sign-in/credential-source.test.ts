// What opens an application to a command that runs for long: one sign-in for everybody who asks,
// another credential when the first has ended, and nothing for any other place.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { get } from "node:http";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import type { CliError } from "../../src/exit-status.ts";
import type { SignInOptions } from "../../src/sign-in/attempt.ts";
import { machineSource, personSource } from "../../src/sign-in/credential-source.ts";
import {
  type MachineCredential,
  readMachineCredential,
} from "../../src/sign-in/machine-credential.ts";
import { writeOrgToken } from "../../src/store/token-store.ts";
import { surroundings, type TestSurroundings } from "../support/context.ts";
import { end, type Peer, startPeer } from "../support/peer.ts";

const token = "cf-access-token";

function serviceToken(cli: TestSurroundings): MachineCredential {
  const flags: Record<string, string> = {
    "service-token-id": "i.access",
    "service-token-secret": "s",
  };
  const machine = readMachineCredential(cli, { value: (name) => flags[name] });
  assert.ok(machine !== undefined);
  return machine;
}

function optionsWith(mayPrompt: boolean): SignInOptions {
  return {
    mayPrompt,
    check: false,
    openBrowser: false,
    qr: false,
    autoClose: false,
    loginHint: undefined,
    prompt: undefined,
    timeout: 60_000,
  };
}

/** A terminal with a session, and the source of one application for it. */
async function terminal(context: TestContext, { hasSession = true, mayPrompt = false } = {}) {
  const peer = await startPeer(context);
  const cli = surroundings(context, { environment: { POSTERN_REQUEST_TIMEOUT: "60s" } });
  const app = readAppUrl(peer.origin("app"));
  if (hasSession) writeOrgToken(cli, peer.team, await peer.orgToken(), peer.person);
  const source = personSource(cli, app, () => optionsWith(mayPrompt));
  const requestFor = (path: string) => ({ method: "GET", url: new URL(path, app.origin) });
  return { peer, cli, app, source, requestFor };
}

function exchanges(peer: Peer): number {
  return peer.requests.filter(({ url }) => url.includes("/authorized")).length;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: CliError) => reason,
  );
  return error.code;
}

test("a hundred requests at once cost one exchange and get one token", async (context) => {
  const { peer, source, requestFor } = await terminal(context);
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, index) => source.fieldsFor(requestFor(`/${index}?x=%2F`))),
  );
  const tokens = new Set(all.map((fields) => fields[token]));
  assert.equal(tokens.size, 1);
  assert.match([...tokens][0] ?? "", /^eyJ/);
  assert.equal(exchanges(peer), 1);
  const before = peer.requests.length;
  await source.fieldsFor(requestFor("/later"));
  assert.equal(peer.requests.length, before, "the token is kept");
});

test("a session that has ended is renewed once for all who were refused", async (context) => {
  const { peer, source, requestFor } = await terminal(context);
  const request = requestFor("/a");
  const fields = await source.fieldsFor(request);
  peer.revoked.add(fields[token] ?? "");
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => source.refused(fields, request)),
  );
  assert.ok(answers.every((worthAnotherTry) => worthAnotherTry));
  const renewed = await source.fieldsFor(request);
  assert.notEqual(renewed[token], fields[token]);
  assert.equal(exchanges(peer), 2);
});

test("a token that the gateway still takes was refused by the application itself: no other try", async (context) => {
  const { source, requestFor } = await terminal(context);
  const request = requestFor("/a");
  const fields = await source.fieldsFor(request);
  assert.equal(await source.refused(fields, request), false);
  assert.deepEqual(await source.fieldsFor(request), fields);
});

test("nobody is asked where nobody may be, and a tool that tries again at once asks the gateway nothing", async (context) => {
  const { peer, cli, source, requestFor } = await terminal(context, { hasSession: false });
  const now = Date.now();
  cli.now = () => now;
  assert.equal(await codeOf(source.fieldsFor(requestFor("/a"))), "not_signed_in");
  const before = peer.requests.length;
  assert.equal(await codeOf(source.fieldsFor(requestFor("/b"))), "not_signed_in");
  assert.equal(peer.requests.length, before);
  // Another terminal signs in: the next request after that moment finds it.
  cli.now = () => now + 2_000;
  writeOrgToken(cli, peer.team, await peer.orgToken(), peer.person);
  assert.match((await source.fieldsFor(requestFor("/a")))[token] ?? "", /^eyJ/);
});

test("a person is asked once for everybody who waits (C14)", async (context) => {
  const { cli, source, requestFor } = await terminal(context, {
    hasSession: false,
    mayPrompt: true,
  });
  const pages: string[] = [];
  const tell = cli.tell;
  cli.tell = (line) => {
    tell(line);
    const [page] = /http:\S+\/cdn-cgi\/access\/cli\S+/.exec(line) ?? [];
    if (page === undefined) return;
    pages.push(page);
    const { host, port, pathname, search } = new URL(page);
    get({ host: "127.0.0.1", port, path: pathname + search, headers: { host } });
  };
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, index) => source.fieldsFor(requestFor(`/${index}`))),
  );
  assert.equal(new Set(all.map((fields) => fields[token])).size, 1);
  assert.equal(pages.length, 1, cli.told.join("\n"));
});

test("a person who refused is not asked again by the next request (C14)", async (context) => {
  const { peer, cli, source, requestFor } = await terminal(context, {
    hasSession: false,
    mayPrompt: true,
  });
  peer.answer = (seen, response) => {
    if (!seen.url.startsWith("/transfer/")) return false;
    response.statusCode = 410;
    response.end(JSON.stringify({ error: "refused" }));
    return true;
  };
  assert.equal(await codeOf(source.fieldsFor(requestFor("/a"))), "login_refused");
  cli.ahead = 5_000;
  assert.equal(await codeOf(source.fieldsFor(requestFor("/a"))), "not_signed_in");
  const polls = peer.requests.filter(
    ({ method, url }) => method === "GET" && url.startsWith("/transfer/"),
  );
  assert.equal(polls.length, 1);
});

test("each path of a host gets the token of the application that covers it", async (context) => {
  const { peer, source, requestFor } = await terminal(context);
  const adminAud = randomBytes(32).toString("hex");
  const isAdmin = (path: string) => path.startsWith("/admin");
  let exchanged = "";
  peer.answer = async (seen, response) => {
    if (seen.headers["cf-access-metadata-request"] !== undefined) {
      const aud = isAdmin(seen.url) ? adminAud : peer.auds["app.localhost"];
      const path_scope = isAdmin(seen.url) ? "/admin" : "/v1";
      const more = { aud, path_scope };
      end(response.setHeader("cf-access-metadata", await peer.metadata("app", more)), 204);
      return true;
    }
    if (seen.url.startsWith("/cdn-cgi/access/authorized") && isAdmin(exchanged)) {
      const more = { aud: [adminAud] };
      const cookie = `CF_Authorization=${await peer.appToken("app", more)}; Path=/`;
      end(response.setHeader("Set-Cookie", cookie), 302, "/");
      return true;
    }
    if (seen.method === "HEAD" && !seen.url.includes("/cdn-cgi/")) exchanged = seen.url;
    return false;
  };
  const audOf = async (path: string) => {
    const fields = await source.fieldsFor(requestFor(path));
    const claims = Buffer.from((fields[token] ?? "").split(".")[1] ?? "", "base64url").toString();
    return (JSON.parse(claims) as { aud: string[] }).aud[0];
  };
  assert.equal(await audOf("/v1/orders"), peer.auds["app.localhost"]);
  assert.equal(await audOf("/admin/users"), adminAud);
  const before = peer.requests.length;
  assert.equal(await audOf("/v1/others"), peer.auds["app.localhost"]);
  assert.equal(await audOf("/admin"), adminAud);
  assert.equal(peer.requests.length, before, "both are kept");
});

test("no source gives anything for another scheme, host or port", async (context) => {
  const { peer, cli, app, source, requestFor } = await terminal(context);
  const program = machineSource(cli, app, serviceToken(cli));
  await source.fieldsFor(requestFor("/"));
  const before = peer.requests.length;
  const elsewhere = [
    peer.origin("other"),
    peer.origin("app").replace("http:", "https:"),
    `http://app.localhost:${(peer.port % 60_000) + 1}`,
    peer.team,
  ];
  for (const origin of elsewhere) {
    const request = { method: "GET", url: new URL(origin) };
    assert.equal(await codeOf(source.fieldsFor(request)), "failure", origin);
    assert.equal(await codeOf(program.fieldsFor(request)), "failure", origin);
  }
  assert.equal(peer.requests.length, before);
});

test("a service token goes to what has proved to be behind Access, and never leads to a browser", async (context) => {
  const { peer, cli, app, requestFor } = await terminal(context, { mayPrompt: true });
  const source = machineSource(cli, app, serviceToken(cli));
  peer.answer = (_, response) => {
    end(response, 200);
    return true;
  };
  assert.equal(await codeOf(source.fieldsFor(requestFor("/"))), "not_behind_access");
  assert.ok(peer.requests.every(({ headers }) => headers["cf-access-client-id"] === undefined));
  peer.answer = undefined;
  const fields = await source.fieldsFor(requestFor("/"));
  assert.deepEqual(fields, { "cf-access-client-id": "i.access", "cf-access-client-secret": "s" });
  assert.equal(await source.refused(fields, requestFor("/")), false);
});

test("an open application needs no fields, and is asked about anew once it refuses", async (context) => {
  const { peer, source, requestFor } = await terminal(context);
  let login = false;
  peer.answer = async (seen, response) => {
    if (seen.headers["cf-access-metadata-request"] === undefined) return false;
    end(response.setHeader("cf-access-metadata", await peer.metadata("app", { login })), 204);
    return true;
  };
  const request = requestFor("/");
  const fields = await source.fieldsFor(request);
  assert.deepEqual(fields, {});
  login = true;
  assert.equal(await source.refused(fields, request), true);
  assert.match((await source.fieldsFor(request))[token] ?? "", /^eyJ/);
});
