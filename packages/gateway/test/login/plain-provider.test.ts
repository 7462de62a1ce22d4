// A provider over plain HTTP on this machine, behind a gateway with https: its button works, in a
// browser that follows the page's policy. What could be a dead button is refused and said.
import assert from "node:assert/strict";
import { request } from "node:https";
import { type TestContext, test } from "node:test";
import { browserOptions, withPage } from "../../../../test/support/browser.ts";
import { startGateway } from "../../../../test/support/gateway.ts";
import {
  clientSecret,
  type OddProviderOptions,
  startOddProvider,
} from "../../../../test/support/odd-provider.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { startProviderFixture } from "./provider-fixture.ts";

const teamHost = "login.example.test";
const host = "app.example.test";

async function startSecure(
  context: TestContext,
  config: (origin: string) => Record<string, unknown>,
  odd: OddProviderOptions = {},
) {
  const certificate = certificateFor(context, [teamHost, host]);
  const [upstream, provider] = await Promise.all([startUpstream(), startOddProvider(odd)]);
  context.after(() => Promise.all([upstream.close(), provider.close()]));
  const gateway = await startGateway({
    tls: [certificate],
    teamHost,
    sections: {
      identity_providers: [
        {
          id: "corp",
          name: "Odd",
          type: "oidc",
          config: { client_id: "postern", client_secret: clientSecret, ...config(provider.origin) },
        },
      ],
      ingress: [{ service: upstream.origin }],
      applications: [
        {
          name: "App",
          domain: host,
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    },
  });
  context.after(() => gateway.close());
  return { certificate, gateway, provider, upstream };
}

/** The policy of the sign-in page. */
function pagePolicy({ gateway, certificate }: Awaited<ReturnType<typeof startSecure>>) {
  return new Promise<string>((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port: gateway.port,
        servername: teamHost,
        ca: certificate.ca,
        path: "/cdn-cgi/access/login",
        headers: { host: `${teamHost}:${gateway.port}` },
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(String(response.headers["content-security-policy"]));
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

const ways: [how: string, config: (origin: string) => Record<string, unknown>][] = [
  ["found by its issuer", (origin) => ({ issuer: origin })],
  ["on localhost", (origin) => ({ issuer: origin.replace("127.0.0.1", "localhost") })],
  [
    "with three addresses",
    (origin) => ({
      auth_url: `${origin}/authorize`,
      token_url: `${origin}/token`,
      certs_url: `${origin}/keys`,
    }),
  ],
];

for (const [how, config] of ways) {
  test(
    `a person signs in behind https at a provider over plain HTTP ${how}, in Chromium`,
    browserOptions(),
    async (context) => {
      const scene = await startSecure(context, config);
      const { origin, options } = scene.provider;
      const issuer = String(config(origin)["issuer"] ?? origin);
      options.metadata = { issuer };
      options.idToken = { iss: issuer };
      await withPage(async (page) => {
        const url = `${scene.gateway.origin(host)}/x`;
        await page.goto(url);
        await page.getByRole("button", { name: "Odd" }).click();
        await page.waitForURL(url);
      });
      assert.ok(scene.upstream.requests.some(({ url }) => url === "/x"));
    },
  );
}

test("only a provider over plain HTTP opens the page's policy to it", async (context) => {
  const plain = await startSecure(context, (origin) => ({ issuer: origin }));
  assert.match(await pagePolicy(plain), /form-action 'self' http: https:;/);
  const secure = await startSecure(context, () => ({ issuer: "https://idp.example.test" }));
  assert.match(await pagePolicy(secure), /form-action 'self' https:;/);
});

test("a provider that leads people over plain HTTP is refused and said, not a button that does nothing", async (context) => {
  for (const authorization_endpoint of [
    "http://idp.example.test/authorize",
    "http://192.0.2.7/authorize",
    "javascript:alert(1)",
  ]) {
    const fixture = await startProviderFixture(context, { metadata: { authorization_endpoint } });
    const person = await fixture.signIn();
    assert.equal(person.page.status, 502, authorization_endpoint);
    assert.match(person.page.text, /trying again will not help/);
    const [failed] = fixture.events("sign_in_failed");
    assert.equal(failed?.fault, "provider_misconfigured");
  }
});
