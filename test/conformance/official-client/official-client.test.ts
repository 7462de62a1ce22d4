// The official client's whole conversation over TLS, for 2026.8 and for the header-based discovery
// before it.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { type TestContext, test } from "node:test";
import { openTokens, transferKeyPairFromPrivateBytes } from "@postern/protocol";
import { Visitor } from "../../../demo/visitor.ts";
import { simpleSections, startGateway, type TestGateway } from "../../support/gateway.ts";
import { needs } from "../../support/requirements.ts";
import { certificateFor } from "../../support/tls.ts";
import { startUpstream } from "../../support/upstream.ts";
import {
  type Answer,
  acceptTeamDomain,
  current,
  follow,
  loginKey,
  loginUrl,
  older,
  send,
  setCookie,
  verifyJws,
  type Wire,
} from "./wire.ts";

const ada = "ada@example.com";
/** Compiled in, as the suffix of the team domain is since 2026.8.0. */
const relayHost = "login.cloudflareaccess.org";
const officialTeam = "example.cloudflareaccess.com";
const ownTeam = "login.example.test";

async function scene(context: TestContext, teamHost = officialTeam) {
  const upstream = await startUpstream();
  const files = certificateFor(context, [
    teamHost,
    "app.example.test",
    "other.example.test",
    relayHost,
  ]);
  const gateway = await startGateway({
    sections: {
      ...simpleSections(upstream.origin, ["app.example.test", "other.example.test"]),
      relay_hosts: [relayHost],
    },
    teamHost,
    tls: [files],
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  return { upstream, gateway, ca: files.ca };
}

async function certs(wire: Wire, gateway: TestGateway) {
  const answer = await send(wire, "GET", `${gateway.team}/cdn-cgi/access/certs`);
  assert.equal(answer.status, 200);
  assert.ok(answer.body.length < 1_048_576);
  return JSON.parse(answer.body.toString()) as {
    keys: Record<string, string>[];
    public_cert: { kid: string; cert: string };
    public_certs: { kid: string; cert: string }[];
  };
}

/** Discovery of 2026.8: a signed description in a response header. */
async function describe(wire: Wire, gateway: TestGateway, url: string) {
  const answer = await send(wire, "HEAD", url, { "Cf-Access-Metadata-Request": "true" });
  assert.equal(answer.status, 204);
  const token = String(answer.headers["cf-access-metadata"]);
  const [, payload = ""] = token.split(".");
  const unverified = JSON.parse(Buffer.from(payload, "base64url").toString());
  acceptTeamDomain(wire, unverified.auth_domain);
  return verifyJws(token, await certs(wire, gateway)).claims;
}

/**
 * Opens the page as a person would, while the terminal polls as the client does; returns what the
 * terminal got.
 */
async function transfer(wire: Wire, gateway: TestGateway, url: string, aud: string) {
  const key = loginKey();
  const visitor = new Visitor({ ca: wire.ca, address: "127.0.0.1" });
  const poll = send(wire, "GET", `https://${relayHost}:${gateway.port}/transfer/${key.text}`);
  await visitor.visit(loginUrl(url, aud, key));
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  assert.equal(visitor.heading(), "Approve sign-in from a terminal");
  return { key, visitor, poll };
}

test(
  "the client of 2026.8 discovers, signs in, checks its token and exchanges its org token",
  needs("openssl"),
  async (context) => {
    const { upstream, gateway, ca } = await scene(context);
    const wire = { ca, userAgent: current };
    const url = gateway.origin("app.example.test");

    // 1. Discovery: hostname without port, the team domain, one AUD, a fresh date.
    const match = await describe(wire, gateway, url);
    assert.equal(match["type"], "match");
    assert.equal(match["hostname"], "app.example.test");
    assert.equal(`https://${match["auth_domain"]}`, gateway.team);
    assert.match(String(match["aud"]), /^[0-9a-f]{64}$/);
    assert.ok(Math.abs(Number(match["iat"]) - Date.now() / 1000) < 300);

    // 2. Transfer through the relay host, sealed to the client's key.
    const aud = String(match["aud"]);
    const { key, visitor, poll } = await transfer(wire, gateway, url, aud);
    await approveUnseenClient(visitor);
    const delivered = await poll;
    assert.equal(delivered.status, 200);
    const senderKey = String(delivered.headers["service-public-key"]);
    assert.match(senderKey, /^[\w-]{43}=$/, "URL-safe base64 with padding");
    assert.equal(delivered.headers["content-encoding"], undefined);
    const tokens = openTokens(
      delivered.body.toString(),
      transferKeyPairFromPrivateBytes(key.secret),
      Buffer.from(senderKey, "base64url"),
    );
    const again = await send(
      wire,
      "GET",
      `https://${relayHost}:${gateway.port}/transfer/${key.text}`,
    );
    assert.notEqual(again.status, 200, "a mailbox is read once");

    // 3. Both tokens are what its structures expect.
    const listed = await certs(wire, gateway);
    const app = verifyJws(tokens.app_token, listed).claims;
    assert.deepEqual(app["aud"], [aud]);
    assert.equal(app["iss"], gateway.team);
    assert.equal(app["email"], ada);
    for (const name of ["exp", "iat", "nbf"]) assert.ok(Number.isInteger(app[name]), name);
    const org = verifyJws(tokens.org_token, listed).claims;
    assert.equal(org["type"], "org");
    assert.ok(Array.isArray(org["aud"]));

    // 4. The check before each `access curl`: anything but a redirect to the login counts as valid.
    const check = await send(wire, "GET", `${url}/?cloudflared_token_check=true`, {
      "Cf-Access-Token": tokens.app_token,
    });
    assert.equal(check.status, 204);
    const checkBad = await send(wire, "GET", `${url}/?cloudflared_token_check=true`, {
      "Cf-Access-Token": `${tokens.app_token.slice(0, -8)}AAAAAAAA`,
    });
    assert.equal(checkBad.status, 302);
    assert.match(String(checkBad.headers.location), /\/cdn-cgi\/access\/login/);
    assert.equal(upstream.requests.length, 0, "all this is the gateway's own");

    // 5. The request itself.
    const asked = await send(wire, "GET", `${url}/orders`, { "Cf-Access-Token": tokens.app_token });
    assert.equal(asked.status, 200);
    assert.equal(upstream.requests[0]?.header("cf-access-authenticated-user-email"), ada);

    // 6. A second application without a browser.
    const token = await exchange(
      wire,
      gateway,
      gateway.origin("other.example.test"),
      tokens.org_token,
    );
    const claims = verifyJws(token, listed).claims;
    assert.notDeepEqual(claims["aud"], [aud]);
    assert.equal(claims["email"], ada);
  },
);

test(
  "the client before 2026.8 finds AUD and domain on the login redirect, and in headers of a 401 and 403",
  needs("openssl"),
  async (context) => {
    const { upstream, gateway, ca } = await scene(context, ownTeam);
    const wire = { ca, userAgent: older };
    const url = gateway.origin("app.example.test");
    const aud = String((await describe(wire, gateway, url))["aud"]);

    const answers = await follow(wire, url, () => ({}));
    const login = answers.at(-1) as Answer;
    assert.equal(login.status, 200, "HEAD on the login page without a session ends there");
    assert.equal(
      new URL(login.url).pathname,
      `/cdn-cgi/access/login/app.example.test${login.url.includes(`app.example.test:${gateway.port}`) ? `:${gateway.port}` : ""}`,
    );
    assert.equal(new URL(login.url).searchParams.get("kid"), aud);
    assert.equal(login.headers["cf-access-aud"], aud);
    assert.equal(login.headers["cf-access-domain"], "app.example.test");
    assert.equal(login.headers["set-cookie"], undefined, "no state for a look");

    const refused = await send(wire, "HEAD", url, {
      "CF-Access-Client-Id": "nobody",
      "CF-Access-Client-Secret": "nothing",
    });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["cf-access-aud"], aud);
    assert.equal(refused.headers["cf-access-domain"], "app.example.test");
    assert.equal(upstream.requests.length, 0);

    const { key, visitor, poll } = await transfer(wire, gateway, url, aud);
    await approveUnseenClient(visitor);
    const delivered = await poll;
    const sender = Buffer.from(String(delivered.headers["service-public-key"]), "base64url");
    const tokens = openTokens(
      delivered.body.toString(),
      transferKeyPairFromPrivateBytes(key.secret),
      sender,
    );
    const asked = await send(wire, "GET", url, { "Cf-Access-Token": tokens.app_token });
    assert.equal(asked.status, 200);
  },
);

test(
  "an empty or invalid org cookie on HEAD counts as none: no state, no provider",
  needs("openssl"),
  async (context) => {
    const { gateway, ca } = await scene(context);
    const wire = { ca, userAgent: current };
    const first = await send(wire, "HEAD", gateway.origin("app.example.test"));
    assert.equal(first.status, 302);
    for (const value of ["", "x", "a.b.c"]) {
      const login = await send(wire, "HEAD", String(first.headers.location), {
        Cookie: `CF_Authorization=${value}`,
      });
      assert.equal(login.status, 200, value);
      assert.equal(setCookie(login, "CF_Authorization")?.value ?? "", "");
    }
  },
);

test(
  "a refused login ends the client's polls with a status that it stops at",
  needs("openssl"),
  async (context) => {
    const { gateway, ca } = await scene(context);
    const wire = { ca, userAgent: current };
    const url = gateway.origin("app.example.test");
    const aud = String((await describe(wire, gateway, url))["aud"]);
    const { key, visitor, poll } = await transfer(wire, gateway, url, aud);
    await visitor.press("Deny");
    const delivered = await poll;
    assert.equal(delivered.status, 410);
    assert.deepEqual(JSON.parse(delivered.body.toString()), { error: "refused" });
    assert.equal(
      (await send(wire, "GET", `https://${relayHost}:${gateway.port}/transfer/${key.text}`)).status,
      410,
    );
  },
);

test(
  "every certificate listed is an X.509 certificate around the key of the same kid",
  needs("openssl"),
  async (context) => {
    const { gateway, ca } = await scene(context);
    const listed = await certs({ ca, userAgent: current }, gateway);
    assert.ok(listed.keys.length >= 2);
    assert.deepEqual(
      new Set(listed.public_certs.map((each) => each.kid)),
      new Set(listed.keys.map((each) => each["kid"])),
    );
    assert.ok(
      listed.public_certs.some(
        (each) => each.kid === listed.public_cert.kid && each.cert === listed.public_cert.cert,
      ),
    );
    for (const { kid, cert } of listed.public_certs) {
      const jwk = new X509Certificate(cert).publicKey.export({ format: "jwk" });
      assert.equal(jwk.n, listed.keys.find((key) => key["kid"] === kid)?.["n"]);
    }
  },
);

/** A client that shows no code costs one more confirmation (wire-protocol 7). */
async function approveUnseenClient(visitor: Visitor): Promise<void> {
  await visitor.press("Approve", { no_code: "yes" });
  await visitor.settle();
  assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
}

/**
 * wire-protocol 6.3 as the client does it: the org token on the login URL alone, `CF_AppSession` on
 * `authorized` alone.
 */
async function exchange(
  wire: Wire,
  gateway: TestGateway,
  url: string,
  orgToken: string,
): Promise<string> {
  let appSession = "";
  let next = url;
  for (let hop = 0; hop < 5; hop++) {
    const { host, pathname } = new URL(next);
    const atLogin =
      `https://${host}` === gateway.team && pathname.startsWith("/cdn-cgi/access/login");
    const atAuthorized = pathname === "/cdn-cgi/access/authorized";
    const headers: Record<string, string> = {};
    if (atLogin) headers["Cookie"] = `CF_Authorization=${orgToken}`;
    else if (atAuthorized) headers["Cookie"] = `CF_AppSession=${appSession}`;
    const answer = await send(wire, "HEAD", next, headers);
    appSession = setCookie(answer, "CF_AppSession")?.value ?? appSession;
    if (atAuthorized) {
      const found = setCookie(answer, "CF_Authorization");
      assert.ok(
        found?.expires !== undefined && found.expires.getTime() > Date.now(),
        "an Expires attribute ahead of now",
      );
      return found.value;
    }
    assert.equal(answer.status, 302, `${next} → ${answer.status}`);
    next = new URL(String(answer.headers.location), next).href;
  }
  throw new Error("no authorized page within five redirects");
}

test(
  "a name of one's own is a team domain for releases before 2026.8.0 alone, and only what works is offered",
  needs("openssl"),
  async (context) => {
    const { gateway: own, ca } = await scene(context, ownTeam);
    const url = own.origin("app.example.test");
    for (const release of ["2026.8.0", "2026.8.2", "2026.11.0", "2027.1.0"])
      await assert.rejects(
        describe({ ca, userAgent: `cloudflared/${release}` }, own, url),
        /not a team domain under/,
        release,
      );
    for (const release of ["2026.7.3", "2026.7.0", "2025.11.1"])
      assert.ok((await describe({ ca, userAgent: `cloudflared/${release}` }, own, url))["aud"]);
    const offered = async (gateway: TestGateway, authority: string) => {
      const wire = { ca: authority, userAgent: current };
      return (await send(wire, "GET", gateway.origin("app.example.test"))).body.toString();
    };
    assert.doesNotMatch(await offered(own, ca), /cloudflared/);
    const official = await scene(context);
    assert.match(await offered(official.gateway, official.ca), /\(or cloudflared access curl /);
  },
);
