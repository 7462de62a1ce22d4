// `postern gateway` and the identity providers of its file: tried at start and at reload, said in
// the log, and never a reason not to start. Private authorities are those of NODE_EXTRA_CA_CERTS.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { freePort } from "../support/gateway.ts";
import {
  answer,
  clientSecret,
  type OddProviderOptions,
  silence,
  startOddProvider,
} from "../support/odd-provider.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";
import { anOperator, ask, openTo, said, startGateway } from "./gateway-process-fixture.ts";

const unusable = "an identity provider cannot be used as configured";

function providerAt(config: Record<string, unknown>, name = "Corp") {
  const client = { client_id: "postern", client_secret: clientSecret };
  return { id: name.toLowerCase(), name, type: "oidc", config: { ...client, ...config } };
}

async function anOddProvider(context: TestContext, options: OddProviderOptions = {}) {
  const provider = await startOddProvider(options);
  context.after(() => provider.close());
  return provider;
}

test("a gateway starts whatever its providers do, and says of each that cannot be used why, at start and at reload", async (context) => {
  const good = await anOddProvider(context);
  const html = await anOddProvider(context, {
    answers: { "/.well-known/openid-configuration": answer(200, "text/html", "<html>") },
  });
  const silent = await anOddProvider(context, {
    answers: { "/.well-known/openid-configuration": silence },
  });
  const named = await anOddProvider(context, { metadata: { issuer: "https://idp.example.test" } });
  const keyless = await anOddProvider(context, { answers: { "/keys": answer(404, "", "") } });
  const gone = `http://127.0.0.1:${await freePort()}`;
  const host = "app.localhost";
  const operator = await anOperator(context, openTo("http_status:204", host));
  const auth_domain = `login.localhost:${operator.port}`;
  const sections = {
    auth_domain,
    identity_providers: [
      providerAt({ issuer: good.origin }, "Good"),
      providerAt({ issuer: gone }, "Gone"),
      providerAt({ issuer: html.origin }, "Html"),
      providerAt({ issuer: silent.origin, timeout: "1s" }, "Silent"),
      providerAt({ issuer: named.origin }, "Named"),
      providerAt({ ...keyless.urls }, "Keyless"),
    ],
  };
  operator.write(sections);
  const running = await operator.start();
  assert.equal((await ask({ port: operator.port, headers: { host } })).status, 204);
  await said(running, unusable, 5);
  const faults = new Map<unknown, unknown>();
  for (const line of running
    .stderr()
    .split("\n")
    .filter((each) => each.includes(unusable))) {
    const { provider, fault, url, level } = JSON.parse(line);
    assert.equal(level, 40);
    assert.equal(typeof url, "string");
    faults.set(provider, fault);
  }
  assert.deepEqual(Object.fromEntries(faults), {
    gone: "provider_unreachable",
    html: "provider_misconfigured",
    silent: "provider_slow",
    named: "provider_misconfigured",
    keyless: "provider_misconfigured",
  });
  assert.ok(!running.stderr().includes(clientSecret));

  // The others stay; those that cannot be used are tried again.
  const late = providerAt({ issuer: gone }, "Late");
  const identity_providers = [...sections.identity_providers, late];
  operator.replace({ auth_domain, identity_providers });
  await said(running, "the changed configuration is in effect");
  const line = JSON.parse((await running.until(/\{[^\n]*"provider":"late"[^\n]*\}/))[0]) as Record<
    string,
    unknown
  >;
  assert.deepEqual([line["event"], line["fault"]], ["provider_unusable", "provider_unreachable"]);
  assert.match(String(line["cause"]), /ECONNREFUSED/);
});

test("a person signs in at a provider whose certificate is of a private authority, when NODE_EXTRA_CA_CERTS names it", async (context) => {
  const { cert_file, key_file, ca_file } = certificateFor(context, ["127.0.0.1"]);
  const tls = {
    cert: readFileSync(cert_file, "utf8"),
    key: readFileSync(key_file, "utf8"),
    host: "127.0.0.1",
  };
  const provider = await anOddProvider(context, { tls });
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  for (const [environment, isTaken] of [
    [{ NODE_EXTRA_CA_CERTS: ca_file }, true],
    [{}, false],
  ] as const) {
    const operator = await anOperator(context, {});
    operator.write({
      auth_domain: `login.localhost:${operator.port}`,
      identity_providers: [providerAt({ issuer: provider.origin })],
      ingress: [{ service: upstream.origin }],
      applications: [
        {
          name: "App",
          domain: "app.localhost",
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    });
    const running = startGateway(context, operator.file, environment);
    await running.until(/the gateway is up/);
    const person = new Person();
    const app = `http://app.localhost:${operator.port}/x`;
    await person.open(app);
    if (isTaken) {
      // The provider itself is asked over TLS by the browser, which this test stands in for.
      const redirect = await person.ask(...pressing(person));
      const authorization = new URL(redirect.location ?? "");
      assert.equal(authorization.origin, provider.origin);
      const code = await answerOf(authorization, ca_file);
      await person.open(code);
      assert.equal(person.page.url, app, running.stderr());
      assert.ok(!running.stderr().includes(unusable));
      continue;
    }
    await person.press("Corp");
    assert.equal(person.page.status, 502);
    const line = await said(running, unusable);
    assert.match(String(line["detail"]), /NODE_EXTRA_CA_CERTS/);
    assert.match(String(line["cause"]), /UNABLE_TO|SELF_SIGNED/);
  }
  assert.equal(upstream.requests.length, 1);
});

function pressing(person: Person): Parameters<Person["ask"]> {
  const { url, ...form } = person.pressing("Corp");
  return [url, form];
}

/** Where the provider sends the browser back to. */
async function answerOf(authorization: URL, caFile: string): Promise<string> {
  const response = await ask({
    port: Number(authorization.port),
    path: authorization.pathname + authorization.search,
    headers: { host: authorization.host },
    ca: readFileSync(caFile, "utf8"),
  });
  return String(response.headers.location);
}
