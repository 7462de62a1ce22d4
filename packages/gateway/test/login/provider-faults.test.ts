// A provider that fails: the person is told what helps, and whoever runs the gateway reads in the
// log what the provider said, which address it was, and where it began. No secret gets there.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freePort } from "../../../../test/support/gateway.ts";
import {
  answer,
  clientSecret,
  hangUp,
  json,
  type OddProviderOptions,
  silence,
} from "../../../../test/support/odd-provider.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import type { ProviderReport } from "../../src/observe/events.ts";
import { Person } from "./person.ts";
import {
  type ProviderFixture,
  type ProviderFixtureOptions,
  startProviderFixture,
} from "./provider-fixture.ts";

const discovery = "/.well-known/openid-configuration";
const html = "<!doctype html><title>Sorry</title>";

/** What the page says for each class of fault. */
const pages = {
  provider_refused: [403, /did not sign you in, or you cancelled/],
  provider_unreachable: [502, /is not answering\. Try again in a minute/],
  provider_slow: [504, /took too long to answer\. Try again/],
  provider_misconfigured: [502, /trying again will not help/],
  answer_invalid: [400, /did not fit this sign-in/],
} as const;

type FaultCase = [
  what: string,
  options: ProviderFixtureOptions,
  fault: keyof typeof pages,
  report: { [Name in keyof ProviderReport]: RegExp | number },
];

const at = (path: string) => new RegExp(`^http://127\\.0\\.0\\.1:\\d+${path}$`);

/** Sends the browser back with an error (RFC 6749 4.1.2.1). */
function callbackError(error: string, description: string): OddProviderOptions {
  return {
    answers: {
      "/authorize": ({ query }, response) => {
        const back = new URL(query.get("redirect_uri") ?? "");
        const state = query.get("state") ?? "";
        const parameters = { error, error_description: description, state };
        back.search = new URLSearchParams(parameters).toString();
        response.writeHead(302, { location: back.href }).end();
      },
    },
  };
}

function tokenError(status: number, body: object): OddProviderOptions {
  return { answers: { "/token": (_request, response) => json(response, status, body) } };
}

const cases: FaultCase[] = [
  // The person or the provider says no.
  [
    "access_denied",
    callbackError("access_denied", "not in the group"),
    "provider_refused",
    { oauth_error: /^access_denied$/, oauth_description: /not in the group/ },
  ],
  ["login_required", callbackError("login_required", ""), "provider_refused", { oauth_error: /./ }],
  // The provider says that it is not well.
  [
    "temporarily_unavailable",
    callbackError("temporarily_unavailable", "maintenance"),
    "provider_unreachable",
    { oauth_description: /maintenance/ },
  ],
  [
    "a token address that answers 503",
    { answers: { "/token": answer(503, "text/html", html) } },
    "provider_unreachable",
    { status: 503, url: at("/token") },
  ],
  [
    "keys that answer 502",
    { answers: { "/keys": answer(502, "text/html", html) } },
    "provider_unreachable",
    { status: 502, url: at("/keys") },
  ],
  [
    "a token address that hangs up",
    { answers: { "/token": hangUp } },
    "provider_unreachable",
    { cause: /./, url: at("/token") },
  ],
  [
    "discovery that hangs up",
    { answers: { [discovery]: hangUp } },
    "provider_unreachable",
    { cause: /./, url: at(discovery) },
  ],
  // Somebody has to change something.
  [
    "invalid_scope",
    callbackError("invalid_scope", "The scope 'groups' is unknown"),
    "provider_misconfigured",
    { oauth_error: /^invalid_scope$/, oauth_description: /'groups' is unknown/ },
  ],
  [
    "unauthorized_client from a token address",
    tokenError(400, { error: "unauthorized_client", error_description: "AADSTS700016" }),
    "provider_misconfigured",
    { oauth_error: /^unauthorized_client$/, oauth_description: /AADSTS700016/, status: 400 },
  ],
  [
    "an error of the provider's own from a token address",
    tokenError(400, { error: "redirect_uri_mismatch", error_description: "Bad Request" }),
    "provider_misconfigured",
    { oauth_error: /^redirect_uri_mismatch$/ },
  ],
  [
    "a token address that redirects (H14)",
    { answers: { "/token": answer(302, "text/html", "", { location: "https://evil.test/" }) } },
    "provider_misconfigured",
    { status: 302, url: at("/token") },
  ],
  [
    "keys that redirect (H14)",
    { answers: { "/keys": answer(307, "text/html", "", { location: "https://evil.test/" }) } },
    "provider_misconfigured",
    { status: 307, url: at("/keys") },
  ],
  [
    "discovery that is not found",
    { answers: { [discovery]: answer(404, "text/html", html) } },
    "provider_misconfigured",
    { status: 404, url: at(discovery) },
  ],
  [
    "discovery in HTML",
    { answers: { [discovery]: answer(200, "text/html", html) } },
    "provider_misconfigured",
    { status: 200, url: at(discovery) },
  ],
  [
    "a token address over plain HTTP on another machine",
    { metadata: { token_endpoint: "http://idp.example.test/token" } },
    "provider_misconfigured",
    { url: /^http:\/\/idp\.example\.test\/token$/ },
  ],
  [
    "an answer of two mebibytes",
    { answers: { "/keys": answer(200, "application/json", "x".repeat(2 ** 21)) } },
    "provider_misconfigured",
    { url: at("/keys") },
  ],
  // A new attempt may do.
  [
    "invalid_grant",
    tokenError(400, { error: "invalid_grant", error_description: "Code not valid" }),
    "answer_invalid",
    { oauth_error: /^invalid_grant$/, oauth_description: /Code not valid/ },
  ],
  [
    "an ID token of another issuer",
    { idToken: { iss: "https://evil.test" } },
    "answer_invalid",
    { claim: /^iss$/, expected: at(""), received: /^https:\/\/evil\.test$/ },
  ],
  [
    "an answer that says it is another provider's (L9)",
    {
      answers: {
        "/authorize": ({ query }, response) => {
          const back = new URL(query.get("redirect_uri") ?? "");
          const state = query.get("state") ?? "";
          const parameters = { code: "c", state, iss: "https://evil.test" };
          back.search = new URLSearchParams(parameters).toString();
          response.writeHead(302, { location: back.href }).end();
        },
      },
    },
    "answer_invalid",
    { claim: /^iss$/, expected: at(""), received: /^https:\/\/evil\.test$/ },
  ],
  [
    "an ID token for another client",
    { idToken: { aud: "somebody" } },
    "answer_invalid",
    { claim: /^aud$/, expected: /^postern$/, received: /^somebody$/ },
  ],
  [
    "an ID token for another client from a provider with three addresses",
    { explicit: true, idToken: { aud: ["somebody", "else"] } },
    "answer_invalid",
    { claim: /^aud$/, expected: /^postern$/, received: /somebody.*else/ },
  ],
];

/** Nothing comes. All of these wait together. */
const hangingCases: FaultCase[] = [
  [
    "discovery that hangs",
    { answers: { [discovery]: silence } },
    "provider_slow",
    { url: at(discovery) },
  ],
  [
    "a token address that hangs",
    { answers: { "/token": silence } },
    "provider_slow",
    { url: at("/token") },
  ],
  ["keys that hang", { answers: { "/keys": silence } }, "provider_slow", { url: at("/keys") }],
  [
    "keys of which half an answer comes",
    {
      answers: {
        "/keys": (_request, response) => {
          response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
          response.write('{"keys":');
        },
      },
    },
    "provider_slow",
    { url: at("/keys") },
  ],
  [
    "keys that hang at a provider with three addresses",
    { explicit: true, answers: { "/keys": silence } },
    "provider_slow",
    { url: at("/keys") },
  ],
  [
    "a token address that hangs at a provider with three addresses",
    { explicit: true, answers: { "/token": silence } },
    "provider_slow",
    { url: at("/token") },
  ],
];

for (const each of cases) defineCase(...each);

describe("providers that hang", { concurrency: true }, () => {
  for (const [what, options, ...expected] of hangingCases)
    defineCase(what, { ...options, config: { timeout: "5s" } }, ...expected);
});

function defineCase(...[what, options, fault, report]: FaultCase): void {
  test(`a person who meets ${what} is told what helps, and the log what it was`, async (context) => {
    const fixture = await startProviderFixture(context, options);
    const person = await fixture.signIn();
    const [status, says] = pages[fault];
    assert.equal(person.page.status, status, person.page.text);
    assert.match(person.page.text, says);
    const [failed] = fixture.events("sign_in_failed");
    assert.equal(failed?.fault, fault, JSON.stringify(failed));
    for (const [name, expected] of Object.entries(report)) {
      const value: unknown = failed?.[name as keyof ProviderReport];
      if (typeof expected === "number") assert.equal(value, expected, name);
      else assert.match(String(value), expected, name);
    }
    assert.match(person.page.text, new RegExp(failed?.ray ?? "no ray"));
    isTellingNoSecret(fixture);
    assert.equal(fixture.upstream.requests.length, 0);
  });
}

function isTellingNoSecret({ gateway, provider }: ProviderFixture): void {
  const log = JSON.stringify(gateway.events);
  const [exchange] = provider.to("/token");
  const [attempt] = provider.to("/authorize");
  const secrets = [
    clientSecret,
    "the-access-token",
    exchange?.body.get("code"),
    exchange?.body.get("code_verifier"),
    attempt?.query.get("state"),
    attempt?.query.get("nonce"),
  ];
  for (const secret of secrets)
    assert.ok(typeof secret !== "string" || !log.includes(secret), `${secret} in ${log}`);
}

test("what a provider writes is bounded, on one line, and cleared of what was sent to it", async (context) => {
  const fixture = await startProviderFixture(context, {
    answers: {
      "/token": ({ body }, response) =>
        json(response, 400, {
          error: "invalid_request",
          error_description: `secret ${body.get("client_secret")}\ncode ${body.get("code")}\u0000 ${"x".repeat(100_000)}`,
        }),
    },
    config: { token_endpoint_auth_method: "client_secret_post" },
  });
  await fixture.signIn();
  const [failed] = fixture.events("sign_in_failed");
  assert.match(failed?.oauth_description ?? "", /^secret \(cut out\) code \(cut out\) +x+$/);
  assert.ok(JSON.stringify(failed).length < 4_000);
  isTellingNoSecret(fixture);
});

test("a wrong nonce is told without the nonces", async (context) => {
  for (const explicit of [false, true]) {
    const fixture = await startProviderFixture(context, { explicit, idToken: { nonce: "forged" } });
    const person = await fixture.signIn();
    assert.equal(person.page.status, 400);
    const [failed] = fixture.events("sign_in_failed");
    assert.match(failed?.detail ?? "", /nonce/);
    isTellingNoSecret(fixture);
  }
});

test("an issuer that differs by a slash is told with both values and what to write, and no promise that waiting helps", async (context) => {
  for (const [realm, written] of [
    ["/realms/staff", "/realms/staff/"],
    ["/application/o/postern/", "/application/o/postern"],
    ["/realms/Staff", "/realms/staff"],
  ] as const) {
    const fixture = await startProviderFixture(context, {});
    const { origin } = fixture.provider;
    const name = `${origin}${realm}`;
    const path = `${written.replace(/\/$/, "")}${discovery}`;
    fixture.provider.options.answers = {
      [path]: (_request, response) => json(response, 200, { issuer: name }),
    };
    const config = { client_id: "postern", issuer: `${origin}${written}` };
    await fixture.gateway.change({
      identity_providers: [{ id: "corp", name: "Odd", type: "oidc", config }],
      ingress: [{ service: fixture.upstream.origin }],
      applications: [
        {
          name: "App",
          domain: "app.localhost",
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    });
    const person = await fixture.signIn();
    assert.equal(person.page.status, 502);
    assert.match(person.page.text, /trying again will not help/);
    assert.doesNotMatch(person.page.text, /in a moment/);
    const [failed] = fixture.events("sign_in_failed");
    assert.deepEqual(
      [failed?.fault, failed?.expected, failed?.received],
      ["provider_misconfigured", config.issuer, name],
    );
    assert.ok(failed?.detail.endsWith(`write issuer: ${name}`), failed?.detail);
  }
});

test("another way to sign in is offered only where the application has one", async (context) => {
  for (const [others, allowed, isOffered] of [
    [[], [], false],
    [[onePin], ["corp"], false],
    [[onePin], [], true],
    [[onePin], ["corp", "pin"], true],
  ] as const) {
    const fixture = await startProviderFixture(context, {});
    const config = { client_id: "postern", issuer: `${fixture.provider.origin}/nowhere` };
    await fixture.gateway.change({
      identity_providers: [{ id: "corp", name: "Odd", type: "oidc", config }, ...others],
      ingress: [{ service: fixture.upstream.origin }],
      applications: [
        {
          name: "App",
          domain: "app.localhost",
          allowed_idps: [...allowed],
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    });
    const person = new Person();
    await person.open(`${fixture.app}/x`);
    await person.press("Odd");
    assert.match(person.page.text, /trying again will not help/);
    assert.equal(person.page.text.includes("Sign in another way"), isOffered);
  }
});

const onePin = { id: "pin", name: "PIN", type: "onetimepin" } as const;

test("a provider that nobody can connect to, or whose certificate does not fit, is told with the innermost cause", async (context) => {
  const { cert_file, key_file } = certificateFor(context, ["127.0.0.1"]);
  const { readFileSync } = await import("node:fs");
  const tls = {
    cert: readFileSync(cert_file, "utf8"),
    key: readFileSync(key_file, "utf8"),
    host: "127.0.0.1",
  };
  const secure = await startProviderFixture(context, { tls });
  const port = await freePort();
  const nobody = { issuer: `http://127.0.0.1:${port}` };
  const plainAsTls = (origin: string) => ({ issuer: origin.replace("http:", "https:") });
  const plain = await startProviderFixture(context, {});
  const faults: [
    config: { issuer: string },
    fault: keyof typeof pages,
    cause: RegExp,
    detail: RegExp,
  ][] = [
    [nobody, "provider_unreachable", /ECONNREFUSED/, /^no answer\b/],
    [
      { issuer: "https://no-such-host.invalid" },
      "provider_unreachable",
      /ENOTFOUND|EAI_AGAIN/,
      /^no answer\b/,
    ],
    [
      { issuer: secure.provider.origin },
      "provider_misconfigured",
      /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/,
      /NODE_EXTRA_CA_CERTS/,
    ],
    [plainAsTls(plain.provider.origin), "provider_misconfigured", /SSL|EPROTO/, /TLS/],
  ];
  for (const [config, fault, cause, detail] of faults) {
    const fixture = await startProviderFixture(context, { config });
    const person = await fixture.signIn();
    const [failed] = fixture.events("sign_in_failed");
    assert.equal(failed?.fault, fault, JSON.stringify(failed));
    assert.match(person.page.text, pages[fault][1]);
    assert.match(failed?.cause ?? "", cause);
    assert.match(failed?.detail ?? "", detail);
    assert.ok(failed?.url?.startsWith(`${config.issuer}/`), failed?.url);
  }
});

test("a code that is wrong for good is in the log under the ray of its page", async (context) => {
  const fixture = await startProviderFixture(context, {
    sections: { identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }] },
  });
  const person = new Person();
  await person.open(`${fixture.app}/x`);
  await person.press("Send me a code", { email: "ada@example.com" });
  const wrong = fixture.gateway.pin("ada@example.com") === "000000" ? "111111" : "000000";
  for (let tries = 0; tries < 5; tries++) await person.press("Sign in", { code: wrong });
  assert.match(person.page.text, /mistyped too often/);
  const [failed] = fixture.events("sign_in_failed");
  assert.deepEqual([failed?.provider, failed?.fault], ["pin", "code_over"]);
  assert.match(person.page.text, new RegExp(failed?.ray ?? "no ray"));
});

test("a secret that a provider quotes is cut out however it is written", async (context) => {
  const basic = Buffer.from(`postern:${encodeURIComponent(clientSecret)}`).toString("base64");
  const quotes: [quoted: string, expected: RegExp][] = [
    [`client_secret=${encodeURIComponent(clientSecret)}&x`, /^client_secret=\(cut out\)&x$/],
    [`${new URLSearchParams({ client_secret: clientSecret })}`, /^client_secret=\(cut out\)$/],
    [`Authorization: Basic ${basic} refused`, /^Authorization: Basic \(cut out\) refused$/],
    [`authorization: bearer ${basic}`, /^authorization: bearer \(cut out\)$/],
    ["Basic authentication is required", /^Basic authentication is required$/],
  ];
  for (const [quoted, expected] of quotes) {
    const fixture = await startProviderFixture(context, {
      answers: {
        "/token": (_request, response) =>
          json(response, 401, { error: "invalid_client", error_description: quoted }),
      },
    });
    await fixture.signIn();
    const [failed] = fixture.events("sign_in_failed");
    assert.match(failed?.oauth_description ?? "", expected);
    assert.ok(!JSON.stringify(failed).includes(basic));
  }
});
