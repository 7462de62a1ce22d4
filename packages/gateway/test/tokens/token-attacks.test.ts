// Tokens that somebody made, changed, or took elsewhere (security cases T1 to T5, T10). Those with
// a good signature are signed with the gateway's own key, to show that the rest of what they say is
// looked at as well.
import assert from "node:assert/strict";
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { clockTolerance } from "@postern/protocol";
import type { TokenFault } from "../../src/tokens/tokens.ts";
import {
  claimsOf,
  forge,
  hour,
  openTokenFixture,
  rs256,
  type TokenFixture,
} from "./token-fixture.ts";

interface Scene {
  fixture: TokenFixture;
  aud: string;
  kid: string;
  privateKey: KeyObject;
  /** claims of a token that is good */
  claims: Record<string, unknown>;
  /** signs claims as the gateway would; what is undefined is left out */
  signed(changes: Record<string, unknown>, header?: Record<string, unknown>): string;
  verify(token: string): Promise<TokenFault | "ok">;
}

async function scene(context: TestContext): Promise<Scene> {
  const fixture = await openTokenFixture(context);
  const { aud } = fixture.application;
  const claims = claimsOf(
    await fixture.tokens.issueApp(await fixture.session(), fixture.application, hour),
  );
  const { kid, privateKey } = await fixture.signingKey();
  const signed = (changes: Record<string, unknown>, header = {}) =>
    forge({ alg: "RS256", kid, ...header }, { ...claims, ...changes }, rs256(privateKey));
  const verify = async (token: string) => {
    const verified = await fixture.tokens.verifyApp(token, aud);
    assert.equal(
      fixture.tokens.cachedApp(token, aud)?.ok,
      verified.ok ? true : undefined,
      "what was refused is not remembered as good",
    );
    return verified.ok ? "ok" : verified.fault;
  };
  assert.equal(await verify(signed({})), "ok", "the scene is set: this is how a good one is made");
  return { fixture, aud, kid, privateKey, claims, signed, verify };
}

test("T1 a token for another application is refused, also among several", async (context) => {
  const { aud, signed, verify } = await scene(context);
  for (const other of [
    "b".repeat(64),
    aud.toUpperCase(),
    aud.slice(1),
    `${aud}a`,
    "",
    [],
    ["b".repeat(64)],
    [`${aud} `],
  ])
    assert.equal(await verify(signed({ aud: other })), "wrong_audience", JSON.stringify(other));
  for (const broken of [undefined, null, 7, { [aud]: true }, [[aud]], [aud, 7]])
    assert.equal(await verify(signed({ aud: broken })), "malformed", JSON.stringify(broken));
  assert.equal(await verify(signed({ aud: ["b".repeat(64), aud] })), "ok");
  assert.equal(await verify(signed({ aud })), "ok", "a string counts as a list of one");
});

test("T1 a token of another issuer is refused, also one that begins like ours", async (context) => {
  const { signed, verify } = await scene(context);
  const ours = "https://login.example.com";
  for (const iss of [
    "https://evil.example",
    `${ours}/`,
    `${ours}.evil.example`,
    "http://login.example.com",
    "",
    undefined,
    [ours],
  ])
    assert.equal(await verify(signed({ iss })), "wrong_issuer", JSON.stringify(iss));
});

test("T2 a token of one type is accepted by no check of another", async (context) => {
  const { fixture, aud } = await scene(context);
  const { tokens, application, organizationTag } = fixture;
  const session = await fixture.session();
  const made = {
    app: await tokens.issueApp(session, application, hour),
    org: await tokens.issueOrg(session),
    pass: (await tokens.issuePass(session, application, "https://app.example.com/", hour)).token,
    match:
      (await tokens.issueMatch(
        { hostname: "app.example.com", aud, app_hostname: "app.example.com" },
        "192.0.2.1",
      )) ?? "",
    meta: tokens.sealMeta({ aud, hostname: "app.example.com", redirect_url: "/", app_session: "" }),
  };
  for (const [type, token] of Object.entries(made)) {
    const fault = type === "meta" ? "bad_signature" : "wrong_type";
    const expected = (check: string) => (type === check ? true : fault);
    for (const tag of [aud, organizationTag]) {
      const app = await tokens.verifyApp(token, tag);
      const pass = await tokens.verifyPass(token, tag);
      if (tag === aud) assert.equal(app.ok || app.fault, expected("app"), `${type} as app`);
      if (tag === aud) assert.equal(pass.ok || pass.fault, expected("pass"), `${type} as pass`);
      if (tag !== aud)
        assert.deepEqual([app.ok, pass.ok], [false, false], `${type} with the organization's tag`);
    }
    const org = await tokens.verifyOrg(token);
    assert.equal(org.ok || org.fault, expected("org"), `${type} as org`);
    assert.equal(tokens.openMeta(token) !== undefined, type === "meta", `${type} as meta`);
  }
});

test("T2 a service token's assertion is for the origin, and opens nothing here", async (context) => {
  const { fixture, aud, verify } = await scene(context);
  const assertion = await fixture.tokens.serviceAssertion(fixture.application, "robot");
  assert.equal(await verify(assertion), "wrong_type");
  assert.equal((await fixture.tokens.verifyOrg(assertion)).ok, false);
  assert.equal((await fixture.tokens.verifyPass(assertion, aud)).ok, false);
});

test("T3 the algorithm is ours to choose: none, empty, HS256 with the public key, ES256, and others are refused", async (context) => {
  const { fixture, kid, claims, privateKey, verify } = await scene(context);
  const nothing = () => Buffer.alloc(0);
  const zeros = () => Buffer.alloc(64);
  const good = rs256(privateKey);
  for (const alg of [
    "none",
    "None",
    "NONE",
    "",
    undefined,
    null,
    "rs256",
    "RS384",
    "PS256",
    ["RS256"],
    { RS256: true },
    0,
  ]) {
    for (const seal of [nothing, zeros, good]) {
      const fault = await verify(forge({ alg, kid }, claims, seal));
      assert.ok(
        fault === "bad_signature" || fault === "malformed",
        `${JSON.stringify(alg)}: ${fault}`,
      );
    }
  }
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const seal of [zeros, good, rs256(elliptic.privateKey)])
    assert.equal(await verify(forge({ alg: "ES256", kid }, claims, seal)), "bad_signature");

  const { public_certs, keys } = JSON.parse(fixture.tokens.certs());
  const publicKey = createPublicKey(privateKey);
  const published = [
    publicKey.export({ format: "pem", type: "spki" }),
    publicKey.export({ format: "pem", type: "pkcs1" }),
    publicKey.export({ format: "der", type: "spki" }),
    public_certs.find((each: { kid: string }) => each.kid === kid).cert,
    JSON.stringify(keys.find((each: { kid: string }) => each.kid === kid)),
  ];
  for (const secret of published) {
    for (const alg of ["HS256", "HS384", "RS256"]) {
      const seal = (input: string) => createHmac("sha256", secret).update(input).digest();
      assert.equal(await verify(forge({ alg, kid }, claims, seal)), "bad_signature");
      assert.equal(
        fixture.tokens.openMeta(forge({ alg, kid }, { ...claims, type: "meta" }, seal)),
        undefined,
      );
    }
  }
});

test("T3 our key's name does not make an attacker's key ours, nor do odd names", async (context) => {
  const { kid, claims, privateKey, verify } = await scene(context);
  const attacker = generateKeyPairSync("rsa", { modulusLength: 2048 });
  assert.equal(
    await verify(forge({ alg: "RS256", kid }, claims, rs256(attacker.privateKey))),
    "bad_signature",
  );
  for (const odd of [
    undefined,
    null,
    "",
    "unknown",
    "__proto__",
    "constructor",
    kid.toUpperCase(),
    [kid],
    { toString: kid },
    0,
  ])
    assert.equal(
      await verify(forge({ alg: "RS256", kid: odd }, claims, rs256(privateKey))),
      "bad_signature",
      JSON.stringify(odd),
    );
});

test("T3 a key that a token brings along or points to is neither used nor fetched", async (context) => {
  const { kid, claims, signed, verify } = await scene(context);
  let fetched = 0;
  const server = createServer((_, response) => {
    fetched++;
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const attacker = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = {
    ...attacker.publicKey.export({ format: "jwk" }),
    kid: "theirs",
    alg: "RS256",
    use: "sig",
  };
  const x5c = [attacker.publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  for (const header of [
    { jwk },
    { jku: url },
    { x5u: url },
    { x5c },
    { jwk, jku: url, x5u: url, x5c },
  ]) {
    for (const name of [kid, "theirs", url, undefined]) {
      const token = forge(
        { alg: "RS256", kid: name, ...header },
        claims,
        rs256(attacker.privateKey),
      );
      assert.equal(await verify(token), "bad_signature", JSON.stringify({ name, ...header }));
    }
    assert.equal(await verify(signed({}, header)), "ok", "in a good token they mean nothing");
  }
  assert.equal(fetched, 0);
});

test("T5 a token without a usable expiry is refused; a fraction of a second is fine", async (context) => {
  const { fixture, signed, verify, kid, privateKey } = await scene(context);
  for (const exp of [
    1e300,
    253_402_300_800,
    "9999999999",
    String(fixture.seconds() + 60),
    undefined,
    null,
    true,
    [fixture.seconds() + 60],
    {},
    -1,
  ])
    assert.equal(await verify(signed({ exp })), "malformed", JSON.stringify(exp));
  const text = JSON.stringify({ ...claimsOf(signed({})), exp: 0 }).replace(
    '"exp":0',
    '"exp":1e999',
  );
  const input = `${Buffer.from(JSON.stringify({ alg: "RS256", kid })).toString("base64url")}.${Buffer.from(text).toString("base64url")}`;
  assert.equal(
    await verify(`${input}.${rs256(privateKey)(input).toString("base64url")}`),
    "malformed",
    "infinity",
  );
  assert.equal(await verify(signed({ exp: fixture.seconds() + 60.5 })), "ok");
  for (const exp of [0, fixture.seconds() - 1, fixture.seconds(), fixture.seconds() - 0.5])
    assert.equal(await verify(signed({ exp })), "expired", String(exp));
});

test("T5 a token from the future is refused, beyond what clocks may differ", async (context) => {
  const { fixture, signed, verify } = await scene(context);
  for (const claim of ["nbf", "iat"]) {
    for (const value of [
      fixture.seconds() + clockTolerance + 1,
      fixture.seconds() + 1e6,
      1e300,
      String(fixture.seconds()),
      null,
      -1,
    ])
      assert.equal(
        await verify(signed({ [claim]: value })),
        "malformed",
        `${claim} ${JSON.stringify(value)}`,
      );
    for (const value of [fixture.seconds() + clockTolerance, fixture.seconds() - 0.5, undefined])
      assert.equal(await verify(signed({ [claim]: value })), "ok");
  }
});

test("T10 a terminal's token speaks for a terminal's session, a browser's for a browser's", async (context) => {
  const { fixture, claims, signed, verify } = await scene(context);
  assert.equal(
    await verify(signed({ terminal: true })),
    "wrong_type",
    "a browser's session with a terminal's token",
  );
  const terminal = await fixture.session("terminal");
  const own = { identity_nonce: terminal.id, sub: terminal.user_id };
  assert.equal(await verify(signed({ ...own, terminal: true })), "ok");
  for (const mark of [undefined, false, null, "true", 1])
    assert.equal(
      await verify(signed({ ...own, terminal: mark })),
      "wrong_type",
      `a terminal's session, marked ${JSON.stringify(mark)}`,
    );
  const asOrg = { ...claims, ...own, type: "org", aud: [fixture.organizationTag] };
  assert.deepEqual(await fixture.tokens.verifyOrg(signed(asOrg)), {
    ok: false,
    fault: "wrong_type",
  });
});

test("T10 a token speaks for the person whose session it names, and for no unknown one", async (context) => {
  const { signed, verify } = await scene(context);
  assert.equal(await verify(signed({ sub: randomUUID() })), "revoked");
  for (const identity_nonce of ["", "unknown", undefined])
    assert.equal(await verify(signed({ identity_nonce })), "revoked");
  assert.equal(
    await verify(
      signed({ identity_nonce: undefined, common_name: "robot", email: undefined, sub: "" }),
    ),
    "revoked",
  );
});

test("T12 what is no token is refused, whatever it is", async (context) => {
  const { signed, verify } = await scene(context);
  const good = signed({});
  const [header = "", payload = "", signature = ""] = good.split(".");
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const broken = [
    "",
    ".",
    "..",
    "%",
    "\0",
    good.slice(0, -1).slice(0, 40),
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    `${good}.${signature}`,
    `${good}=`,
    ` ${good}`,
    `${good}\n`,
    `${encode("null")}.${payload}.${signature}`,
    `${encode("[]")}.${payload}.${signature}`,
    `${header}.${encode("7")}.${signature}`,
    `${header}.${encode("{")}.${signature}`,
    "a".repeat(1_000_000),
    `${header}.${"A".repeat(20_000)}.${signature}`,
  ];
  for (const token of broken) assert.equal(await verify(token), "malformed", token.slice(0, 60));
  assert.equal(await verify(`${header}.${payload}.AAAA`), "bad_signature");
});
