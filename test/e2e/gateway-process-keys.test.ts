// `postern keys rotate` beside a running gateway: whoever is signed in stays so, origins find every
// key that they need, and from then on the new key signs.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { runPostern } from "../support/cli.ts";
import { codeIn, startMailServer } from "../support/mail-server.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  askUntil,
  certificate,
  host,
  teamHost,
} from "./gateway-process-fixture.ts";

interface Certs {
  keys: { kid: string }[];
  public_cert: { kid: string };
}

const people = [
  { name: "people", decision: "allow", include: [{ email_domain: { domain: "example.com" } }] },
];

async function scene(context: TestContext) {
  const [upstream, mail, tls] = [
    await startUpstream(),
    await startMailServer(),
    certificate(context),
  ];
  context.after(() => Promise.all([upstream.close(), mail.close()]));
  const sections = {
    tls: { certificates: [tls] },
    smtp: { url: mail.url, from: "access@example.com" },
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    applications: [{ name: "App", domain: host, policies: people }],
    ingress: [{ service: upstream.origin }],
  };
  const operator = await anOperator(context, sections);
  operator.write({});
  await operator.start();
  const { port, file, folder } = operator;
  return {
    upstream,
    operator,
    /** as somebody else on this machine, with the same file */
    rotate: () =>
      runPostern(["keys", "rotate", "--config", file], { POSTERN_HOME: join(folder, "home") }),
    async certs(): Promise<Certs> {
      const { text } = await ask({
        port,
        ca: tls.ca,
        servername: teamHost,
        path: "/cdn-cgi/access/certs",
        headers: { Host: `${teamHost}:${port}` },
      });
      return JSON.parse(text);
    },
    /** @returns the token that the application's host set */
    async signIn(email: string): Promise<string> {
      const visitor = new Visitor({ ca: tls.ca, address: "127.0.0.1" });
      await visitor.visit(`https://${host}:${port}/`);
      await visitor.press("Send me a code", { email });
      await visitor.press("Sign in", { code: codeIn(await mail.next(email)) });
      assert.equal(visitor.page.status, 200, visitor.page.text);
      return visitor.cookie(host, "CF_Authorization") ?? "";
    },
    async statusWith(token: string): Promise<number> {
      const headers = {
        Host: `${host}:${port}`,
        "Cf-Access-Token": token,
        Accept: "application/json",
      };
      return (await ask({ port, ca: tls.ca, servername: host, headers })).status;
    },
    /** the key that signed what the origin got last */
    kidAtOrigin: () => kidOf(upstream.requests.at(-1)?.header("cf-access-jwt-assertion") ?? ""),
  };
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString() || "{}").kid;
}

test("after `postern keys rotate` old tokens open, new ones bear the new key, and origins find both", async (context) => {
  const { rotate, certs, signIn, statusWith, kidAtOrigin } = await scene(context);
  const token = await signIn("ada@example.com");
  const before = await certs();
  const [first, ...waiting] = before.keys
    .map(({ kid }) => kid)
    .sort((a) => (a === kidOf(token) ? -1 : 1));
  assert.equal(first, before.public_cert.kid);
  assert.equal(waiting.length, 1, "the next key is published before it signs");

  const rotated = await rotate();
  assert.deepEqual([rotated.status, rotated.stderr], [0, ""]);
  const after = await askUntil(certs, ({ public_cert }) => public_cert.kid !== first);
  assert.equal(after.public_cert.kid, waiting[0]);
  const kids = after.keys.map(({ kid }) => kid);
  assert.ok(
    kids.includes(first ?? "") && kids.includes(waiting[0] ?? ""),
    "the old one and the new one",
  );

  assert.equal(await statusWith(token), 200);
  assert.ok(kids.includes(kidAtOrigin()), "an origin finds the key of what it gets on the list");
  const fresh = await signIn("grace@example.com");
  assert.equal(kidOf(fresh), waiting[0]);
  assert.equal(await statusWith(fresh), 200);
  assert.equal(kidAtOrigin(), waiting[0]);
});

test("rotating keys puts nothing else into force, and a file with mistakes rotates nothing", async (context) => {
  const { operator, rotate, certs, signIn, statusWith } = await scene(context);
  const token = await signIn("ada@example.com");
  const before = await certs();
  operator.replace({ applications: [{ name: "App", domain: host, policies: [] }], surprise: 1 });
  const refused = await rotate();
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^postern: .*postern\.yaml:\d+: surprise: unknown field/);
  assert.deepEqual(await certs(), before);
  assert.equal(await statusWith(token), 200);
});
