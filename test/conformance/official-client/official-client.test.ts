// The official client's whole conversation over TLS, for 2026.8 and for the header-based discovery
// before it.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import type { TestGateway } from "../../support/gateway.ts";
import { needs } from "../../support/requirements.ts";
import {
  ada,
  approveUnseenClient,
  certs,
  describe,
  exchange,
  openDelivered,
  ownTeam,
  relayHost,
  scene,
  signIn,
  transfer,
} from "./conversation.ts";
import { type Answer, current, follow, older, send, setCookie, verifyJws } from "./wire.ts";

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
    const tokens = openDelivered(delivered, key);
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

    const tokens = await signIn(wire, gateway, url, aud);
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
