// How the gateway proves to a provider who it is: as the provider takes it, or as configured.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import {
  clientSecret,
  isSignedWith,
  json,
  type ReceivedRequest,
} from "../../../../test/support/odd-provider.ts";
import { complaints, loadText, withLines } from "../config/written-file.ts";
import { isIn, startProviderFixture } from "./provider-fixture.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ed25519 = generateKeyPairSync("ed25519").privateKey;
const pkcs8 = (key: typeof rsa) => key.export({ type: "pkcs8", format: "pem" }).toString();

/** What a token request proves, in the words of the discovery document. */
function methodOf({ headers, body }: ReceivedRequest): string {
  if (headers.authorization?.startsWith("Basic ") === true) return "client_secret_basic";
  if (body.has("client_secret")) return "client_secret_post";
  if (!body.has("client_assertion")) return "none";
  const assertion = body.get("client_assertion") ?? "";
  return isSignedWith(clientSecret, assertion) ? "client_secret_jwt" : "private_key_jwt";
}

const choices: [who: string, listed: string[] | undefined, config: object, method: string][] = [
  ["takes client_secret_basic alone", ["client_secret_basic"], {}, "client_secret_basic"],
  ["takes client_secret_post alone", ["client_secret_post"], {}, "client_secret_post"],
  ["takes client_secret_jwt alone", ["client_secret_jwt"], {}, "client_secret_jwt"],
  ["lists nothing", undefined, {}, "client_secret_basic"],
  [
    "lists both ways of a secret",
    ["client_secret_basic", "client_secret_post"],
    {},
    "client_secret_post",
  ],
  ["lists only what this gateway has not", ["tls_client_auth"], {}, "client_secret_post"],
  [
    "lists more than its client may use",
    ["client_secret_basic", "client_secret_post"],
    { token_endpoint_auth_method: "client_secret_basic" },
    "client_secret_basic",
  ],
  ["knows the client's key", ["private_key_jwt"], { private_key: pkcs8(rsa) }, "private_key_jwt"],
  ["knows the client as public", ["none"], { client_secret: undefined }, "none"],
];

for (const [who, listed, config, expected] of choices) {
  test(`a person signs in at a provider that ${who}`, async (context) => {
    const fixture = await startProviderFixture(context, {
      metadata: { token_endpoint_auth_methods_supported: listed },
      config: { ...config },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), person.page.text);
    const [request] = fixture.provider.to("/token");
    assert.equal(request && methodOf(request), expected);
    assert.ok(request?.body.has("code_verifier"));
  });
}

test("a secret with special characters arrives as it is written", async (context) => {
  const fixture = await startProviderFixture(context, {
    config: { token_endpoint_auth_method: "client_secret_basic" },
  });
  await fixture.signIn();
  const header = fixture.provider.to("/token")[0]?.headers.authorization ?? "";
  const [id = "", secret = ""] = Buffer.from(header.slice(6), "base64").toString().split(":");
  // RFC 6749 2.3.1: both are form-encoded before.
  const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
  assert.deepEqual([decode(id), decode(secret)], ["postern", clientSecret]);
});

for (const [kind, key, algorithm] of [
  ["RSA", rsa, "RS256"],
  ["elliptic curves", ec, "ES256"],
  ["Ed25519", ed25519, "EdDSA"],
] as const) {
  test(`the assertion of a private key of ${kind} verifies, and is for this provider`, async (context) => {
    const fixture = await startProviderFixture(context, {
      config: {
        client_secret: undefined,
        private_key: pkcs8(key),
        private_key_id: "key-1",
        token_endpoint_auth_method: "private_key_jwt",
      },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), person.page.text);
    const assertion = fixture.provider.to("/token")[0]?.body.get("client_assertion") ?? "";
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
    assert.equal(read(header).kid, "key-1");
    assert.ok([algorithm, "Ed25519"].includes(read(header).alg), read(header).alg);
    assert.deepEqual(
      [read(claims).iss, read(claims).sub, read(claims).aud],
      ["postern", "postern", fixture.provider.origin],
    );
    const isRight = verify(
      key.asymmetricKeyType === "ed25519" ? undefined : "sha256",
      Buffer.from(`${header}.${claims}`),
      { key: createPublicKey(key), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    assert.ok(isRight);
  });
}

test("a provider with three addresses is asked in the configured way too", async (context) => {
  for (const method of ["client_secret_post", "client_secret_basic", "client_secret_jwt"]) {
    const fixture = await startProviderFixture(context, {
      explicit: true,
      config: { token_endpoint_auth_method: method },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), person.page.text);
    const [request] = fixture.provider.to("/token");
    assert.equal(request && methodOf(request), method);
  }
});

const refusals: [how: string, answer: (response: ServerResponse) => void][] = [
  ["with an OAuth error", (response) => json(response, 401, { error: "invalid_client" })],
  ["with status 400", (response) => json(response, 400, { error: "invalid_client" })],
  [
    "with a challenge",
    (response) => {
      response.setHeader("www-authenticate", 'Basic realm="clients"');
      json(response, 401, { error: "invalid_client", error_description: "no such client" });
    },
  ],
  [
    "in HTML",
    (response) => void response.writeHead(401, { "content-type": "text/html" }).end("no"),
  ],
];

for (const [how, answer] of refusals) {
  for (const explicit of [false, true]) {
    const kind = explicit ? "with three addresses" : "found by its issuer";
    test(`whoever runs the gateway reads how the client was refused ${how} by a provider ${kind}, and what to change`, async (context) => {
      const fixture = await startProviderFixture(context, {
        explicit,
        metadata: { token_endpoint_auth_methods_supported: ["client_secret_basic"] },
        answers: { "/token": (_request, response) => answer(response) },
      });
      const person = await fixture.signIn();
      assert.equal(person.page.status, 502, person.page.text);
      assert.match(person.page.text, /trying again will not help/);
      const [failed] = fixture.events("sign_in_failed");
      assert.equal(failed?.fault, "provider_misconfigured");
      const used = explicit ? "client_secret_post" : "client_secret_basic";
      assert.match(failed?.detail ?? "", new RegExp(`${used}.*token_endpoint_auth_method`));
      assert.equal(failed?.url, `${fixture.provider.origin}/token`);
      assert.ok(!JSON.stringify(fixture.gateway.events).includes(clientSecret));
      assert.equal(fixture.upstream.requests.length, 0);
    });
  }
}

test("a method without what it needs is refused when the file is read, with its line", () => {
  const provider = (fields: string) =>
    `identity_providers: [{name: a, type: oidc, config: {client_id: a, issuer: "https://idp.test", ${fields}}}]`;
  const cases: [fields: string, says: RegExp][] = [
    ["token_endpoint_auth_method: client_secret_basic", /needs a client_secret/],
    ["token_endpoint_auth_method: client_secret_jwt", /needs a client_secret/],
    ["token_endpoint_auth_method: private_key_jwt", /needs a private_key/],
    ["token_endpoint_auth_method: none, pkce_enabled: false", /needs PKCE/],
    ["token_endpoint_auth_method: basic", /must be one of client_secret_basic, /],
    ["private_key: a-password", /is not a private key in PEM/],
    ["timeout: 1h", /is no time from 100ms to 1m/],
  ];
  for (const [fields, says] of cases) {
    const { text, first } = withLines(provider(fields));
    const [line = "", ...more] = complaints(() => loadText(text));
    assert.deepEqual(more, [], fields);
    assert.match(line, says);
    assert.match(line, new RegExp(`:${first}: identity_providers\\[0\\] "a"\\.config\\.`));
    assert.doesNotMatch(line, /a-password/);
  }
});
