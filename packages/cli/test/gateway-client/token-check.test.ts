// What makes a token that came over the wire a token: wire-protocol 2 and 6.8, rule by rule.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import { CliError } from "../../src/exit-status.ts";
import { findApplication } from "../../src/gateway-client/app-metadata.ts";
import { verifyToken } from "../../src/gateway-client/token-check.ts";
import { surroundings } from "../support/context.ts";
import { type Peer, startPeer } from "../support/peer.ts";

async function scene(context: TestContext) {
  const peer = await startPeer(context);
  const where = surroundings(context);
  const application = await findApplication(where, readAppUrl(peer.origin("app")));
  return {
    peer,
    where,
    application,
    verify: (token: string, type: "app" | "org" = "app") =>
      verifyToken(where, application, token, type as "app"),
  };
}

const refused = (error: unknown) => error instanceof CliError && error.code === "unverified";
const seconds = () => Math.floor(Date.now() / 1000);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token of this application is taken; its times may be fractions", async (context) => {
  const { peer, verify } = await scene(context);
  assert.equal((await verify(await peer.appToken("app"))).email, "ada@example.com");
  assert.equal(
    (await verify(await peer.appToken("app", { aud: peer.auds["app.localhost"] }))).aud.length,
    1,
    "AUD as a string",
  );
  await verify(await peer.appToken("app", { exp: seconds() + 60.5 }));
  await verify(await peer.orgToken(), "org");
});

test("another type, issuer, AUD or end is refused, one by one", async (context) => {
  const { peer, verify } = await scene(context);
  const wrong: [string, Record<string, unknown>][] = [
    ["another type", { type: "org" }],
    ["a pass", { type: "pass", htu: "x" }],
    ["another issuer", { iss: "https://evil.example" }],
    ["the issuer with a path", { iss: `${peer.team}/` }],
    ["no issuer", { iss: undefined }],
    ["another AUD", { aud: [peer.auds["other.localhost"]] }],
    ["no AUD", { aud: undefined }],
    ["an AUD that only contains it", { aud: `${peer.auds["app.localhost"]}x` }],
    ["no person", { email: undefined }],
    ["expired", { exp: seconds() - 1 }],
    ["no end", { exp: undefined }],
    ["an end that is text", { exp: String(seconds() + 60) }],
    ["an end that is a list", { exp: [seconds() + 60] }],
  ];
  for (const [what, claims] of wrong)
    await assert.rejects(verify(await peer.appToken("app", claims)), refused, what);
  await assert.rejects(verify(await peer.appToken("app"), "org"), refused);
});

function forgeries(peer: Peer, good: string): [string, string][] {
  const [header = "", claims = "", signature = ""] = good.split(".");
  const other = (more: object) =>
    `${part({ alg: "RS256", kid: "k1", ...more })}.${claims}.${signature}`;
  const hmac = (key: string) => {
    const signed = `${part({ alg: "HS256", kid: "k1" })}.${claims}`;
    return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  };
  return [
    ["unsigned", `${part({ alg: "none", kid: "k1" })}.${claims}.AA`],
    ["without a signature", `${header}.${claims}.`],
    ["the public key as a secret", hmac(JSON.stringify(peer.auds))],
    ["another algorithm's name", other({ alg: "RS512" })],
    ["lower case", other({ alg: "rs256" })],
    ["a key that nobody knows", other({ kid: "k2" })],
    ["no key", other({ kid: undefined })],
    ["a critical extension", other({ crit: ["exp"] })],
    ["its own key", other({ jwk: { kty: "RSA", n: "AQAB", e: "AQAB" }, jku: `${peer.team}/evil` })],
    ["changed claims", `${header}.${part({ type: "app" })}.${signature}`],
    ["four parts", `${good}.x`],
    ["endless", `${header}.${claims}.${"A".repeat(20_000)}`],
    ["no token", "hello"],
    ["nothing", ""],
  ];
}

test("what the team domain did not sign is refused, and no key is fetched from where it says", async (context) => {
  const { peer, verify } = await scene(context);
  for (const [what, token] of forgeries(peer, await peer.appToken("app")))
    await assert.rejects(verify(token), refused, what);
  assert.ok(peer.requests.every(({ url }) => !url.includes("evil")));
});

test("an error holds no token", async (context) => {
  const { peer, verify } = await scene(context);
  const token = await peer.appToken("app", { exp: seconds() - 1 });
  await assert.rejects(
    verify(token),
    (error: unknown) =>
      !String(error).includes(token.slice(-20)) && !String(error).includes(token.slice(0, 20)),
  );
});
