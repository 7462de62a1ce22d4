// What can be said of a token without a key: its form, its kind, its times (wire-protocol 2).
// Nothing here is trust.
import assert from "node:assert/strict";
import { test } from "node:test";
import { peekClaims } from "../src/decode-token.ts";
import {
  checkTimes,
  clockTolerance,
  decodeToken,
  maxTokenLength,
  ProtocolError,
  readClaims,
  readMatchClaims,
} from "../src/index.ts";

const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const tokenOf = (header: unknown, claims: unknown, signature = "c2ln") =>
  `${encode(header)}.${encode(claims)}.${signature}`;
const code = (expected: string) => (error: unknown) =>
  error instanceof ProtocolError && error.code === expected;

test("a token is three parts of base64url around two JSON objects, and is taken apart as it is", () => {
  assert.deepEqual(decodeToken(tokenOf({ alg: "none", jku: "x" }, { a: [1], b: "ü" })), {
    header: { alg: "none", jku: "x" },
    claims: { a: [1], b: "ü" },
  });
  const odd = decodeToken(tokenOf('{"__proto__":{"alg":"RS256"}}', "{}"));
  assert.equal(odd.header["alg"], undefined, "names that every object has are nobody's");
});

test("everything else is one error that repeats nothing of it (T6, T12)", () => {
  const good = tokenOf({}, {});
  const [header, claims] = [encode({}), encode({})];
  for (const bad of [
    "",
    ".",
    "..",
    "a.b",
    `${header}.${claims}`,
    `${header}.${claims}.`,
    `.${claims}.x`,
    `${header}..x`,
    `${good}.x`,
    `${header}.${claims}.x.y.z`,
    `${good}=`,
    ` ${good}`,
    `${good}\n`,
    good.replace(".", "%2E"),
    `${header}.${claims}.a+b/`,
    tokenOf([], {}),
    tokenOf({}, []),
    tokenOf("null", {}),
    tokenOf({}, "null"),
    tokenOf({}, "1"),
    tokenOf({}, '"text"'),
    tokenOf("{", {}),
    tokenOf({}, "not JSON"),
    tokenOf({}, { long: "x".repeat(maxTokenLength) }),
  ]) {
    assert.throws(() => decodeToken(bad), code("bad_token"), bad.slice(0, 60));
    assert.throws(() => decodeToken(bad), { message: "not a signed token" });
  }
});

test("a token needs an expiry ahead that is a sane number; the other times may be missing, but not be ahead (T5)", () => {
  const now = 1_800_000_000;
  for (const claims of [
    { exp: now + 1 },
    { exp: now + 0.5 },
    { exp: 253_402_300_799 },
    { exp: now + 1, nbf: now, iat: now },
    { exp: now + 1, nbf: now + clockTolerance, iat: now + clockTolerance },
    { exp: now + 1, nbf: 0, iat: now - 0.5 },
  ]) {
    checkTimes(claims, now);
  }
  for (const exp of [now, now - 1, 0, now - 0.001])
    assert.throws(() => checkTimes({ exp }, now), code("expired"), String(exp));
  for (const wrong of [
    undefined,
    null,
    "",
    String(now + 9),
    true,
    {},
    [now + 9],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e300,
    253_402_300_800,
    -1,
  ]) {
    assert.throws(() => checkTimes({ exp: wrong }, now), code("bad_claims"), `exp ${wrong}`);
    if (wrong === undefined) continue;
    for (const name of ["nbf", "iat"])
      assert.throws(
        () => checkTimes({ exp: now + 9, [name]: wrong }, now),
        code("bad_claims"),
        `${name} ${wrong}`,
      );
  }
  for (const name of ["nbf", "iat"])
    assert.throws(
      () => checkTimes({ exp: now + 999, [name]: now + clockTolerance + 1 }, now),
      code("bad_claims"),
    );
});

const person = {
  type: "app",
  iss: "https://t",
  aud: ["a"],
  sub: "u",
  email: "a@b.c",
  identity_nonce: "n",
  iat: 1,
  exp: 2,
};
const kinds = {
  org: { ...person, type: "org" },
  app: person,
  pass: { ...person, type: "pass", htu: "https://h/" },
};

test("a token is read as what it says it is, and as nothing else (T2)", () => {
  for (const [type, claims] of Object.entries(kinds)) {
    for (const asked of ["org", "app", "pass"] as const) {
      const read = () => readClaims(claims, asked as "app");
      if (asked === type) assert.deepEqual(read(), claims);
      else assert.throws(read, code("bad_claims"), `${type} as ${asked}`);
    }
  }
});

test("an audience may come as one text, and is a list from then on", () => {
  assert.deepEqual(readClaims({ ...person, aud: "a" }, "app").aud, ["a"]);
  assert.deepEqual(readClaims({ ...person, aud: ["a", "b"] }, "app").aud, ["a", "b"]);
  for (const aud of [undefined, null, 1, {}, ["a", 1], [["a"]]])
    assert.throws(
      () => readClaims({ ...person, aud }, "app"),
      code("bad_claims"),
      JSON.stringify(aud),
    );
});

test("each kind has the claims that it cannot do without; a program has a name instead of an address", () => {
  const needed = {
    org: ["iss", "aud", "sub", "email", "identity_nonce"],
    app: ["iss", "aud", "sub", "email"],
    pass: ["iss", "aud", "sub", "identity_nonce", "htu"],
  } as const;
  for (const type of ["org", "app", "pass"] as const) {
    for (const name of needed[type]) {
      for (const wrong of [undefined, null, 1, {}])
        assert.throws(
          () => readClaims({ ...kinds[type], [name]: wrong }, type as "app"),
          code("bad_claims"),
          `${type} without ${name}`,
        );
    }
  }
  const { email: _, identity_nonce: __, ...rest } = person;
  const program = { ...rest, sub: "", common_name: "robot.access" };
  assert.deepEqual(readClaims(program, "app"), program);
  assert.throws(() => readClaims({ ...program, type: "org" }, "org"), code("bad_claims"));
});

test("a description of an application names host, team domain and AUD, and has a date (6.1)", () => {
  const match = { type: "match", hostname: "h", auth_domain: "t", aud: "a", iat: 1 };
  assert.deepEqual(readMatchClaims(match), match, "the rest is optional, as Cloudflare has it");
  for (const name of ["hostname", "auth_domain", "aud"]) {
    for (const wrong of [undefined, null, "", 1, ["a"]])
      assert.throws(() => readMatchClaims({ ...match, [name]: wrong }), code("bad_claims"), name);
  }
  for (const change of [
    { type: "app" },
    { type: undefined },
    { iat: "1" },
    { iat: undefined },
    { iat: -1 },
    { iat: 1e300 },
  ])
    assert.throws(
      () => readMatchClaims({ ...match, ...change }),
      code("bad_claims"),
      JSON.stringify(change),
    );
});

test("the claims of a stored token can be read alone", () => {
  assert.deepEqual(peekClaims(tokenOf("not looked at", { exp: 1 }, "")), { exp: 1 });
  for (const bad of ["", "a", "a.", `${encode({})}.${encode([])}.x`, tokenOf({}, "not JSON")])
    assert.throws(() => peekClaims(bad), code("bad_token"), bad);
});
