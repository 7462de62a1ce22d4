// Tokens that are bound to a key (RFC 9449): where a proof is demanded of whoever sends one, and
// what a proof must say.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { test } from "node:test";
import { decodeToken } from "@postern/protocol";
import { rightLines } from "../ssh/key-lines.ts";
import {
  approvedTerminal,
  type BoundTerminal,
  boundTerminal,
  type Holder,
  holder,
  type Oddity,
} from "./possession-fixture.ts";

const certificates = { ssh_certificates: { email_domains: ["example.com"] } };
const demanding = { proof_of_possession: true };

/** The ways in that want a proof of a bound token whatever the application. */
const demands = [
  {
    name: "the exchange",
    token: "orgToken",
    async ask(terminal: BoundTerminal, proofOf: ProofOf) {
      const url = await terminal.loginUrl();
      const proof = await proofOf("HEAD", url);
      return terminal.ask(url, "", proof, {
        method: "HEAD",
        headers: { cookie: `CF_Authorization=${terminal.orgToken}` },
      });
    },
    allowed: 302,
  },
  {
    name: "a pass",
    token: "appToken",
    async ask(terminal: BoundTerminal, proofOf: ProofOf) {
      const url = `${terminal.fixture.app("app")}/cdn-cgi/access/pass`;
      const body = JSON.stringify({ url_prefix: `${terminal.fixture.app("app")}/`, ttl: 60 });
      return terminal.ask(url, terminal.appToken, await proofOf("POST", url), {
        method: "POST",
        body,
      });
    },
    allowed: 200,
  },
  {
    name: "an SSH certificate",
    token: "appToken",
    async ask(terminal: BoundTerminal, proofOf: ProofOf) {
      const { team } = terminal.fixture;
      const url = `${team}/cdn-cgi/access/cert_sign`;
      const public_key = rightLines["ecdsa-sha2-nistp256"];
      const body = JSON.stringify({ public_key, jwt: terminal.appToken, issuer: team });
      const proof = await proofOf("POST", url);
      return terminal.ask(url, "", proof, { method: "POST", body });
    },
    allowed: 200,
  },
] as const;

type ProofOf = (method: string, url: string) => Promise<string | string[] | undefined>;

function proofsBy(
  terminal: BoundTerminal,
  token: string,
  prover: Holder = terminal.owner,
  odd: Oddity = {},
): ProofOf {
  return (method, url) => prover.proof(method, url, token, odd);
}

test("what a terminal states when it opens its mailbox is in its tokens, and what origins get says nothing of it", async (context) => {
  const { fixture, owner, appToken, orgToken, ask } = await boundTerminal(context);
  for (const token of [appToken, orgToken])
    assert.deepEqual(decodeToken(token).claims["cnf"], { jkt: owner.jkt });
  const claims = decodeToken(appToken).claims;
  const session = await fixture.parts.store.sessions.find(String(claims["identity_nonce"]));
  assert.equal(session?.jkt, owner.jkt);
  // An application that demands nothing takes the token as it is.
  assert.equal((await ask(`${fixture.app("app")}/x`, appToken)).status, 200);
  assert.deepEqual(fixture.originSaw, ["GET /x"]);
  const proof = await fixture.parts.tokens.verifyApp(appToken, fixture.aud("app"));
  assert.ok(proof.ok);
  const assertion = decodeToken(await fixture.parts.tokens.personAssertion(proof)).claims;
  assert.equal(assertion["cnf"], undefined);
});

test("a terminal that states no key has tokens as ever", async (context) => {
  const { fixture, ask } = await boundTerminal(context, { application: certificates });
  const { app_token, org_token } = await approvedTerminal(fixture, undefined);
  assert.equal(decodeToken(app_token).claims["cnf"], undefined);
  const free = { fixture, ask, appToken: app_token, orgToken: org_token } as BoundTerminal;
  free.loginUrl = async () =>
    String((await fixture.send(`${fixture.app("app")}/`, { method: "HEAD" })).headers.location);
  for (const { name, ask: demand, allowed } of demands)
    assert.equal((await demand(free, async () => undefined)).status, allowed, name);
});

for (const { name, token, ask: demand, allowed } of demands)
  test(`${name} is for whoever proves to hold the key of a bound token, and for nobody else`, async (context) => {
    const terminal = await boundTerminal(context, { application: certificates });
    const thief = await holder();
    const refused: [string, ProofOf][] = [
      ["proof_missing", async () => undefined],
      ["proof_invalid", proofsBy(terminal, terminal[token], thief)],
      ["proof_invalid", proofsBy(terminal, terminal[token], terminal.owner, { signer: thief })],
    ];
    for (const [fault, proofOf] of refused) {
      const answer = await demand(terminal, proofOf);
      assert.equal(answer.status, 401, fault);
      assert.equal(answer.headers["cf-access-error"], fault);
    }
    const right = await demand(terminal, proofsBy(terminal, terminal[token]));
    assert.equal(right.status, allowed, right.body);
    assert.deepEqual(terminal.fixture.originSaw, []);
  });

test("the token of an exchange is bound to the same key", async (context) => {
  const { fixture, owner, orgToken } = await boundTerminal(context);
  const first = await fixture.send(`${fixture.app("app")}/`, { method: "HEAD" });
  const url = String(first.headers.location);
  const handOver = await fixture.send(url, {
    method: "HEAD",
    headers: {
      cookie: `CF_Authorization=${orgToken}`,
      "cf-access-dpop": await owner.proof("HEAD", url, orgToken),
    },
  });
  const [appSession = ""] = String(first.headers["set-cookie"]).split(";", 1);
  const authorized = await fixture.send(String(handOver.headers.location), {
    method: "HEAD",
    headers: { cookie: appSession },
  });
  const [, token = ""] =
    /CF_Authorization=([^;]+)/.exec(String(authorized.headers["set-cookie"])) ?? [];
  assert.deepEqual(decodeToken(token).claims["cnf"], { jkt: owner.jkt });
});

test("an application that demands it takes a proof with each request, once, and says why it refuses", async (context) => {
  const { fixture, owner, appToken, ask } = await boundTerminal(context, {
    application: demanding,
  });
  const url = `${fixture.app("app")}/v1/orders?page=2`;
  const proof = await owner.proof("GET", url, appToken);
  const missing = await ask(url, appToken);
  assert.equal(missing.status, 401);
  assert.equal(missing.headers["cf-access-error"], "proof_missing");
  assert.match(missing.body, /This token is bound to a key: send a proof/);
  assert.equal(missing.body.trim().split("\n").length, 1);
  assert.deepEqual(fixture.originSaw, []);
  assert.equal((await ask(url, appToken, proof)).status, 200);
  const again = await ask(url, appToken, proof);
  assert.deepEqual([again.status, again.headers["cf-access-error"]], [401, "proof_replayed"]);
  for (const method of ["GET", "POST", "DELETE"]) {
    const own = await owner.proof(method, url, appToken);
    assert.equal((await ask(url, appToken, own, { method })).status, 200, method);
  }
  assert.equal(fixture.originSaw.length, 4);
});

test("a proof for another request, of another time, or that says more than it should is none", async (context) => {
  const { fixture, owner, appToken, orgToken, ask } = await boundTerminal(context, {
    application: demanding,
  });
  const url = `${fixture.app("app")}/v1/orders`;
  const now = Math.floor(Date.now() / 1000);
  const { x = "" } = owner.jwk;
  const odd: [string, Oddity][] = [
    ["another method", { claims: { htm: "POST" } }],
    ["a method in lower case", { claims: { htm: "get" } }],
    ["another path", { claims: { htu: `${fixture.app("app")}/v1` } }],
    ["another host", { claims: { htu: `${fixture.app("bob")}/v1/orders` } }],
    ["another scheme", { claims: { htu: url.replace("http:", "https:") } }],
    ["another port", { claims: { htu: "http://app.localhost/v1/orders" } }],
    ["a user in the address", { claims: { htu: url.replace("//", "//app@") } }],
    ["no address", { claims: { htu: "/v1/orders" } }],
    [
      "another token",
      { claims: { ath: createHash("sha256").update(orgToken).digest("base64url") } },
    ],
    ["no token", { claims: { ath: undefined } }],
    ["a hash of another form", { claims: { ath: 7 } }],
    ["no id", { claims: { jti: undefined } }],
    ["an endless id", { claims: { jti: "j".repeat(129) } }],
    ["no time", { claims: { iat: undefined } }],
    ["a time that is none", { claims: { iat: "now" } }],
    ["another type", { header: { typ: "JWT" } }],
    ["no key", { header: { jwk: undefined } }],
    ["a key by name", { header: { kid: "1" } }],
    ["a key from elsewhere", { header: { jku: "https://evil.test/keys" } }],
    ["a key that is a text", { header: { jwk: "key" } }],
    ["a private key", { header: { jwk: { ...owner.jwk, d: x } } }],
    ["a key of another curve", { header: { jwk: { ...owner.jwk, crv: "P-384" } } }],
    ["a key with half a coordinate", { header: { jwk: { ...owner.jwk, x: x.slice(1) } } }],
    ["a point that is not on the curve", { header: { jwk: { ...owner.jwk, y: x } } }],
  ];
  for (const [name, oddity] of odd) {
    const answer = await ask(url, appToken, await owner.proof("GET", url, appToken, oddity));
    assert.equal(answer.status, 401, name);
    assert.equal(answer.headers["cf-access-error"], "proof_invalid", name);
  }
  for (const age of [-3600, -62, 62, 3600]) {
    const dated = { claims: { iat: now + age } };
    const answer = await ask(url, appToken, await owner.proof("GET", url, appToken, dated));
    assert.equal(answer.headers["cf-access-error"], "proof_stale", String(age));
  }
  const right = await owner.proof("GET", url, appToken);
  const [head = "", claims = "", signature = ""] = right.split(".");
  const asHs256 = Buffer.from(JSON.stringify({ typ: "dpop+jwt", alg: "none", jwk: owner.jwk }));
  const texts: [string, string | string[]][] = [
    ["two of them", [right, await owner.proof("GET", url, appToken)]],
    ["no signature", `${head}.${claims}.`],
    ["an empty one", ""],
    ["half a signature", `${head}.${claims}.${signature.slice(0, 40)}`],
    ["another algorithm", `${asHs256.toString("base64url")}.${claims}.${signature}`],
    ["no proof", "proof"],
    ["a long one", "e".repeat(3_000)],
  ];
  for (const [name, text] of texts) {
    const answer = await ask(url, appToken, text);
    assert.equal(answer.status, 401, name);
    assert.equal(answer.headers["cf-access-error"], "proof_invalid", name);
  }
  assert.deepEqual(fixture.originSaw, []);
});

test("an address is compared after parsing, as the gateway reads it", async (context) => {
  const { fixture, owner, appToken, ask } = await boundTerminal(context, {
    application: demanding,
  });
  const { port } = fixture;
  const same: [string, string][] = [
    ["/v1/orders", `http://APP.localhost:${port}/v1/orders`],
    ["/v1/orders?a=b", `http://app.localhost:${port}/v1/orders?other#part`],
    ["/%7Eada", `http://app.localhost:${port}/%7Eada`],
    ["/%7Eada//x;y", `http://app.localhost:${port}/%7Eada//x;y`],
    ["/a/../b", `http://app.localhost:${port}/b`],
    ["/", `http://app.localhost:${port}`],
  ];
  for (const [path, htu] of same) {
    const proof = await owner.proof("GET", fixture.app("app"), appToken, { claims: { htu } });
    const answer = await ask(`${fixture.app("app")}${path}`, appToken, proof);
    assert.equal(answer.status, 200, `${path} ${htu} ${answer.body}`);
  }
});

test("an application that demands proofs has no use for a terminal's token that is not bound", async (context) => {
  const { fixture, owner, ask } = await boundTerminal(context, { application: demanding });
  const { app_token } = await approvedTerminal(fixture, undefined);
  const url = `${fixture.app("app")}/`;
  const check = `${url}?cloudflared_token_check=true`;
  for (const address of [url, check])
    for (const proof of [undefined, await owner.proof("GET", url, app_token)]) {
      const answer = await ask(address, app_token, proof);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers["cf-access-error"], "token_not_bound");
      assert.match(answer.body, /POSTERN_TOKEN_STORE=keychain/);
    }
  const cookie = await fixture.send(url, { headers: { cookie: `CF_Authorization=${app_token}` } });
  assert.equal(cookie.headers["cf-access-error"], "token_not_bound");
  assert.deepEqual(fixture.originSaw, []);
});

test("no pass is made or taken where proofs are demanded, and browsers go on as ever", async (context) => {
  const { fixture, owner, appToken, ask } = await boundTerminal(context, {
    application: demanding,
  });
  const app = fixture.app("app");
  const url = `${app}/cdn-cgi/access/pass`;
  const body = JSON.stringify({ url_prefix: `${app}/`, ttl: 60 });
  const proof = await owner.proof("POST", url, appToken);
  const refused = await ask(url, appToken, proof, { method: "POST", body });
  assert.equal(refused.status, 403);
  assert.match(refused.body, /use postern access http/);

  const { parts } = fixture;
  const application = parts.catalogs.current().applicationByAud.get(fixture.aud("app"));
  const { session } = await fixture.browser();
  assert.ok(application !== undefined);
  const pass = await parts.tokens.issuePass(session, application, `${app}/`, 60_000);
  const passed = await fixture.send(`${app}/?token=${pass.token}`);
  assert.equal(passed.status, 401);
  assert.deepEqual(fixture.originSaw, []);

  const token = await parts.tokens.issueApp(session, application, 60_000);
  const browser = await fixture.send(`${app}/`, {
    headers: { cookie: `CF_Authorization=${token}` },
  });
  assert.equal(browser.status, 200);
});

/** What an application's host tells or does for a terminal's token, beside its own requests. */
const ownEndpoints = [
  { name: "get-identity", method: "GET", path: "get-identity", allowed: 200 },
  { name: "the list of grants", method: "GET", path: "grants", allowed: 200 },
  { name: "the end of a grant", method: "DELETE", path: "grants/0123456789abcdef", allowed: 404 },
];

for (const { name, method, path, allowed } of ownEndpoints)
  test(`where an application demands proofs, ${name} demands them as well`, async (context) => {
    const { fixture, owner, appToken, ask } = await boundTerminal(context, {
      application: demanding,
    });
    const url = `${fixture.app("app")}/cdn-cgi/access/${path}`;
    const unbound = (await approvedTerminal(fixture, undefined)).app_token;
    const thief = await holder();
    const refused: [string, string, string | undefined][] = [
      ["proof_missing", appToken, undefined],
      ["proof_invalid", appToken, await thief.proof(method, url, appToken)],
      ["token_not_bound", unbound, undefined],
      ["token_not_bound", unbound, await thief.proof(method, url, unbound)],
    ];
    for (const [fault, token, proof] of refused) {
      const answer = await ask(url, token, proof, { method });
      assert.deepEqual([answer.status, answer.headers["cf-access-error"]], [401, fault]);
      assert.doesNotMatch(answer.body, /@example/);
    }
    const headers = { cookie: `CF_Authorization=${appToken}` };
    const cookie = await fixture.send(url, { method, headers });
    assert.equal(cookie.status, 401, "a cookie proves nothing");
    const proof = await owner.proof(method, url, appToken);
    assert.equal((await ask(url, appToken, proof, { method })).status, allowed);
    assert.equal((await ask(url, appToken, proof, { method })).status, 401, "a second time");
  });

test("who has no key to prove can still end the session: a token that got about is to be ended by whoever can", async (context) => {
  const { fixture, appToken, ask } = await boundTerminal(context, { application: demanding });
  const url = `${fixture.app("app")}/cdn-cgi/access/logout`;
  assert.equal((await ask(url, appToken, undefined, { method: "POST" })).status, 204);
  assert.equal((await ask(url, appToken, undefined, { method: "POST" })).status, 401);
});

test("an application that demands proofs signs no SSH certificate for a token that is not bound", async (context) => {
  const { fixture } = await boundTerminal(context, {
    application: { ...demanding, ...certificates },
  });
  const jwt = (await approvedTerminal(fixture, undefined)).app_token;
  const public_key = rightLines["ecdsa-sha2-nistp256"];
  const answer = await fixture.send(`${fixture.team}/cdn-cgi/access/cert_sign`, {
    method: "POST",
    body: JSON.stringify({ public_key, jwt, issuer: fixture.team }),
  });
  assert.deepEqual([answer.status, answer.headers["cf-access-error"]], [401, "token_not_bound"]);
  assert.doesNotMatch(answer.body, /cert-v01/);
});

test("a token that names another key than its session's is nobody's", async (context) => {
  const { fixture, appToken, ask } = await boundTerminal(context);
  const { parts } = fixture;
  const { claims } = decodeToken(appToken);
  const application = parts.catalogs.current().applicationByAud.get(fixture.aud("app"));
  const session = await parts.store.sessions.find(String(claims["identity_nonce"]));
  assert.ok(application !== undefined && session !== undefined);
  const thief = await holder();
  for (const jkt of [thief.jkt, null]) {
    const token = await parts.tokens.issueApp({ ...session, jkt }, application, 60_000);
    assert.equal((await ask(`${fixture.app("app")}/`, token)).status, 401);
  }
  assert.deepEqual(fixture.originSaw, []);
});

test("a proof is taken once, and its id is another proof's with another key", async (context) => {
  const { fixture, owner } = await boundTerminal(context);
  const { tokens } = fixture.parts;
  const url = `${fixture.app("app")}/`;
  const { host } = new URL(url);
  const request = { method: "GET", scheme: "http", authority: host } as const;
  const hasPath = (pathname: string) => pathname === "/";
  const other = await holder();
  const check = async (who: Holder, jti: string) => {
    const proof = await who.proof("GET", url, "token", { claims: { jti } });
    const holder = { sub: "somebody", cnf: { jkt: who.jkt } };
    return tokens.checkProof(holder, { ...request, hasPath, proofs: [proof], token: "token" });
  };
  assert.equal(await check(owner, "one"), undefined);
  assert.equal(await check(owner, "one"), "proof_replayed");
  // The same id of another key is another proof.
  assert.equal(await check(other, "one"), undefined);
  assert.equal(await check(other, randomUUID()), undefined);
});

test("a grant that was asked for with a key is used by whoever proves to hold it, at every application", async (context) => {
  const { fixture, owner, ask } = await boundTerminal(context);
  const grant = { ttl: 600, label: "release bot" };
  const bound = await approvedTerminal(fixture, owner.jkt, { grant });
  const free = await approvedTerminal(fixture, undefined, { grant });
  const url = `${fixture.app("app")}/v1`;
  const thief = await holder();
  for (const proof of [undefined, await thief.proof("GET", url, bound.app_token)])
    assert.equal((await ask(url, bound.app_token, proof)).status, 401);
  assert.deepEqual(fixture.originSaw, []);
  const proof = await owner.proof("GET", url, bound.app_token);
  assert.equal((await ask(url, bound.app_token, proof)).status, 200);
  assert.equal((await ask(url, free.app_token)).status, 200);
});

test("a grant without a key opens no application that demands proofs", async (context) => {
  const { fixture, owner, ask } = await boundTerminal(context, { application: demanding });
  const grant = { ttl: 600, label: "release bot" };
  const url = `${fixture.app("app")}/v1`;
  const free = await approvedTerminal(fixture, undefined, { grant });
  const refused = await ask(url, free.app_token);
  assert.deepEqual([refused.status, refused.headers["cf-access-error"]], [401, "token_not_bound"]);
  assert.deepEqual(fixture.originSaw, []);
  const bound = await approvedTerminal(fixture, owner.jkt, { grant });
  const proof = await owner.proof("GET", url, bound.app_token);
  assert.equal((await ask(url, bound.app_token, proof)).status, 200);
});
