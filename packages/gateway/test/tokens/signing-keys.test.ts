// The keys that sign (wire-protocol 2, ADR 0005): which are published, which one signs, and how
// they are kept.
import assert from "node:assert/strict";
import { createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { testKeyPair } from "../../../../test/support/signing-keys.ts";
import { changeKeys } from "../../src/tokens/change-keys.ts";
import { openSigningKeys } from "../../src/tokens/signing-keys.ts";
import {
  applicationWith,
  day,
  forge,
  headerOf,
  hour,
  openTokenFixture,
  rs256,
  type TokenFixture,
} from "./token-fixture.ts";

interface Certs {
  keys: { kid: string; kty: string; n: string; e: string; alg: string; use: string }[];
  public_cert: { kid: string; cert: string };
  public_certs: { kid: string; cert: string }[];
}

function certs({ tokens }: Pick<TokenFixture, "tokens">): Certs {
  return JSON.parse(tokens.certs());
}

function kids(fixture: Pick<TokenFixture, "tokens">): string[] {
  return certs(fixture).keys.map(({ kid }) => kid);
}

/** What is published, whatever the order: it means nothing (wire-protocol 2). */
function published(fixture: Pick<TokenFixture, "tokens">): { signs: string; kids: string[] } {
  return { signs: certs(fixture).public_cert.kid, kids: kids(fixture).sort() };
}

async function token(fixture: TokenFixture): Promise<string> {
  return await fixture.tokens.issueApp(await fixture.session(), fixture.application, hour);
}

function signer(text: string): string {
  return String(headerOf(text)["kid"]);
}

function fileFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-keys-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "postern.db");
}

test("the certs endpoint names each key as JWK and as certificate, and an origin's library verifies with it", async (context) => {
  const fixture = await openTokenFixture(context);
  const { keys, public_cert, public_certs } = certs(fixture);
  assert.equal(keys.length, 2, "one that signs and the next one");
  const text = await token(fixture);
  assert.equal(public_cert.kid, signer(text));
  assert.deepEqual(
    new Set(public_certs.map(({ kid }) => kid)),
    new Set(keys.map(({ kid }) => kid)),
  );
  for (const key of keys) {
    assert.deepEqual(
      Object.keys(key).sort(),
      ["alg", "e", "kid", "kty", "n", "use"],
      "and nothing of the private part",
    );
    assert.deepEqual([key.kty, key.alg, key.use], ["RSA", "RS256", "sig"]);
    const certificate = new X509Certificate(
      public_certs.find(({ kid }) => kid === key.kid)?.cert ?? "",
    );
    assert.ok(certificate.publicKey.equals(createPublicKey({ key, format: "jwk" })));
    assert.equal(certificate.subject, "CN=login.example.com");
  }
  const { payload } = await jwtVerify(text, createLocalJWKSet({ keys }), {
    issuer: "https://login.example.com",
    audience: fixture.application.aud,
    currentDate: new Date(fixture.clock.now),
  });
  assert.equal(payload["type"], "app");
});

test("a key is published before it signs, at every rotation (T19)", async (context) => {
  const fixture = await openTokenFixture(context);
  for (let rotation = 0; rotation < 3; rotation++) {
    const known = kids(fixture);
    const before = signer(await token(fixture));
    await fixture.tokens.rotateKeys();
    const after = signer(await token(fixture));
    assert.notEqual(after, before);
    assert.ok(
      known.includes(after),
      "an origin that asked before the rotation knows the key that signs now",
    );
    assert.ok(kids(fixture).includes(before), "and the tokens from before are still good");
    assert.equal(certs(fixture).public_cert.kid, after);
  }
});

test("a token from before the rotation stays good", async (context) => {
  const fixture = await openTokenFixture(context);
  const text = await token(fixture);
  await fixture.tokens.rotateKeys();
  assert.ok((await fixture.tokens.verifyApp(text, fixture.application.aud)).ok);
  assert.ok(
    (await (await fixture.another()).verifyApp(text, fixture.application.aud)).ok,
    "also to a gateway that starts now",
  );
});

test("a retired key is published for seven days, and then no more (T19)", async (context) => {
  const fixture = await openTokenFixture(context);
  const old = signer(await token(fixture));
  await fixture.tokens.rotateKeys();
  fixture.clock.now += 7 * day - 1;
  assert.ok(kids(fixture).includes(old));
  fixture.clock.now += 1;
  assert.ok(!kids(fixture).includes(old));
  assert.equal(kids(fixture).length, 2);
  assert.ok(!kids({ tokens: await fixture.another() }).includes(old));
});

test("a retired key stays published for as long as a token that it signed can live", async (context) => {
  const fixture = await openTokenFixture(context);
  fixture.change({ applications: [applicationWith("a".repeat(64), { session_duration: "720h" })] });
  const old = signer(await token(fixture));
  await fixture.tokens.rotateKeys();
  fixture.clock.now += 30 * day - 1;
  assert.ok(kids(fixture).includes(old));
  fixture.clock.now += 1;
  assert.ok(!kids(fixture).includes(old));
});

test("a retired key signs for nobody once its time is over, whatever the token says", async (context) => {
  const fixture = await openTokenFixture(context);
  const session = await fixture.sessions.start({
    kind: "browser",
    identity: (await fixture.session()).identity,
    userAgent: "test",
    lifetimeMs: 60 * day,
  });
  const text = await fixture.tokens.issueApp(session, fixture.application, 60 * day);
  await fixture.tokens.rotateKeys();
  fixture.clock.now += 8 * day;
  assert.deepEqual(await fixture.tokens.verifyApp(text, fixture.application.aud), {
    ok: false,
    fault: "bad_signature",
  });
});

test("two gateways that rotate at once rotate once", async (context) => {
  const place = fileFor(context);
  const secretKey = randomBytes(32);
  const [one, two] = [
    await openTokenFixture(context, { place, secretKey }),
    await openTokenFixture(context, { place, secretKey }),
  ];
  assert.deepEqual(published(one), published(two), "the second took the first one's keys");
  const next = kids(one).filter((kid) => kid !== certs(one).public_cert.kid);
  await Promise.all([one.tokens.rotateKeys(), two.tokens.rotateKeys()]);
  assert.deepEqual(published(one), published(two));
  assert.deepEqual([certs(one).public_cert.kid], next);
  assert.equal(kids(one).length, 3);
});

test("a gateway believes the key that another process has just made, and signs with it when told", async (context) => {
  const place = fileFor(context);
  const secretKey = randomBytes(32);
  const [one, two] = [
    await openTokenFixture(context, { place, secretKey }),
    await openTokenFixture(context, { place, secretKey }),
  ];
  await two.tokens.rotateKeys();
  await two.tokens.rotateKeys();
  const text = await token(two);
  assert.ok(!kids(one).includes(signer(text)));
  assert.ok((await one.tokens.verifyApp(text, one.application.aud)).ok);
  const assertion = await one.tokens.serviceAssertion(one.application, "robot");
  await two.tokens.rotateKeys();
  await one.tokens.reloadKeys();
  assert.deepEqual(published(one), published(two));
  assert.notEqual(
    signer(await one.tokens.serviceAssertion(one.application, "robot")),
    signer(assertion),
    "nor is an older one handed out",
  );
});

test("unknown keys make the gateway ask its store once in ten seconds, not for each token (T4)", async (context) => {
  const fixture = await openTokenFixture(context);
  const { privateKey } = await fixture.signingKey();
  let asked = 0;
  const { keys } = fixture.store;
  const all = keys.all;
  keys.all = () => {
    asked++;
    return all();
  };
  const ask = () =>
    fixture.tokens.verifyApp(
      forge({ alg: "RS256", kid: randomBytes(32).toString("hex") }, {}, rs256(privateKey)),
      "aud",
    );
  for (let index = 0; index < 100; index++)
    assert.deepEqual(await ask(), { ok: false, fault: "bad_signature" });
  assert.equal(asked, 1);
  fixture.clock.now += 10_000;
  for (let index = 0; index < 100; index++) await ask();
  assert.equal(asked, 2);
});

test("no private key is in the database in clear", async (context) => {
  const place = fileFor(context);
  const fixture = await openTokenFixture(context, { place });
  await fixture.tokens.rotateKeys();
  const secrets = ["PRIVATE KEY", await privatePart(fixture)];
  const folder = join(place, "..");
  const files = readdirSync(folder);
  assert.ok(files.length > 0);
  for (const file of files) {
    const content = readFileSync(join(folder, file));
    for (const secret of secrets) {
      assert.ok(!content.includes(secret), `${file} holds ${secret.slice(0, 12)}`);
      assert.ok(
        !content.includes(Buffer.from(secret).toString("base64").slice(0, -4)),
        `${file} holds ${secret.slice(0, 12)} in base64`,
      );
    }
  }
  assert.ok(
    files.some((file) => readFileSync(join(folder, file)).includes(kids(fixture)[0] ?? "?")),
    "the files are the ones with the keys",
  );
});

test("with another secret key the gateway does not start, and says which file to bring back", async (context) => {
  const place = fileFor(context);
  await openTokenFixture(context, { place });
  await assert.rejects(
    openTokenFixture(context, { place }),
    /sealed with another secret key; restore the secret_key_file/,
  );
});

test("a sealed key that was moved to another name does not open", async (context) => {
  const fixture = await openTokenFixture(context);
  await changeKeys(fixture.store.keys, (keys) => {
    const [one, two] = keys;
    if (one === undefined || two === undefined) return assert.fail("there are two");
    return [
      { ...one, sealed_private_key: two.sealed_private_key },
      { ...two, sealed_private_key: one.sealed_private_key },
    ];
  });
  await assert.rejects(fixture.another(), /sealed with another secret key/);
});

test("a stored key whose public part was damaged is named", async (context) => {
  const fixture = await openTokenFixture(context);
  const [kid] = kids(fixture);
  for (const public_jwk of ["{", "null", '{"kty":"RSA"}']) {
    await changeKeys(fixture.store.keys, (keys) =>
      keys.map((key) => (key.kid === kid ? { ...key, public_jwk } : key)),
    );
    await assert.rejects(
      fixture.another(),
      new RegExp(`stored signing key ${kid} cannot be read; restore it from a backup`),
    );
  }
});

/** One line of the private key, as PEM has it. */
async function privatePart(fixture: TokenFixture): Promise<string> {
  const { privateKey } = await fixture.signingKey();
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString().split("\n")[5] ?? "";
}

test("keys that were read before a rotation of one's own do not undo it", async (context) => {
  const { store, secretBox, clock } = await openTokenFixture(context);
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let reading = Promise.resolve();
  const keys = await openSigningKeys({
    keys: {
      replace: (before, after) => store.keys.replace(before, after),
      async all() {
        const [stored] = await Promise.all([store.keys.all(), reading]);
        return stored;
      },
    },
    secretBox,
    now: () => clock.now,
    elapsed: () => clock.now,
    randomBytes,
    generateKeyPair: testKeyPair,
    commonName: "login.example.com",
    longestToken: () => day,
  });
  reading = held;
  const reloaded = keys.reload();
  reading = Promise.resolve();
  const before = keys.kid();
  await keys.rotate();
  release();
  await reloaded;
  assert.notEqual(keys.kid(), before);
  const current = (await store.keys.all()).find(({ state }) => state === "current");
  assert.equal(keys.kid(), current?.kid);
});
