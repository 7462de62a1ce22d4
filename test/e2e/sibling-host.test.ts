// A sibling host in a real browser over https (case T11): evil.example.test beside
// app.example.test, with pages that set cookies for the whole domain. Whatever they plant there,
// nobody who visits them is signed in as somebody else, and her own sessions go on. Chromium, real
// TLS.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { browserOptions, withPage } from "../support/browser.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Certificate, certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";

const domain = "example.test";
const appHost = `app.${domain}`;
const teamHost = `login.${domain}`;
const ada = "ada@example.com";
const bob = "bob@example.com";
const hour = 60 * 60_000;

/** What bob has of his own, all of it genuine. */
interface Loot {
  app: string;
  org: string;
  terminal: string;
  endedTerminal: string;
  ended: string;
  nonce: string;
  appSession: string;
}

/** `Set-Cookie` lines of the sibling host. */
type Plant = (loot: Loot) => string[];

const path = "/reports/2026/11/28/7";
/** Every path under which a cookie comes along there: `/`, `/reports`, `/reports/`, … */
const everyPath = Array.from(path.matchAll(/(?<=\w)(?=\/)|(?<=\/)|$/g), ({ index }) =>
  path.slice(0, index),
);
const everywhere = `Domain=${domain}; Secure`;

const plants: Record<string, Plant> = {
  "an application token for the whole domain": ({ app }) => [
    `CF_Authorization=${app}; Path=/; ${everywhere}`,
  ],
  "an application token with the longer path": ({ app }) => [
    `CF_Authorization=${app}; Path=/reports; ${everywhere}; HttpOnly; SameSite=None`,
  ],
  "the token of a terminal": ({ terminal }) => [
    `CF_Authorization=${terminal}; Path=/; ${everywhere}`,
  ],
  "the token of a terminal that has ended": ({ endedTerminal }) => [
    `CF_Authorization=${endedTerminal}; Path=/reports; ${everywhere}`,
  ],
  "the token of a session that has ended": ({ ended }) => [
    `CF_Authorization=${ended}; Path=/; ${everywhere}`,
  ],
  "two tokens at once": ({ app, terminal }) => [
    `CF_Authorization=${app}; Path=/; ${everywhere}`,
    `CF_Authorization=${terminal}; Path=/reports; ${everywhere}`,
  ],
  "more tokens than are ever verified": ({ app, terminal }) =>
    everyPath.map((path, index) => {
      const value = [app, terminal, `x${index}`][index] ?? app.slice(0, 300);
      return `CF_Authorization=${value}; Path=${path}; ${everywhere}`;
    }),
  "his browser's nonce under every name that a sibling host may set": ({ app, nonce }) => [
    `CF_Authorization=${app}; Path=/; ${everywhere}`,
    ...[
      "__Host-postern_browser",
      "__host-postern_browser",
      "__HOST-postern_browser",
      "__Secure-postern_browser",
      "postern_browser",
      "=__Host-postern_browser",
      "\u00a0__Host-postern_browser",
      '"__Host-postern_browser"',
    ].map((name) => `${name}=${nonce}; Path=/; ${everywhere}`),
  ],
  "odd blanks, quotes and letters around the name": ({ app }) => [
    ` CF_Authorization = ${app}; Path=/; ${everywhere}`,
    `=CF_Authorization=${app}; Path=/reports; ${everywhere}`,
    `\tCF_Authorization\t=\t${app}\t; Path=/reports/2026; ${everywhere}`,
  ],
  "his session at the team domain": ({ org }) => [`CF_Authorization=${org}; Path=/; ${everywhere}`],
  "his session at the team domain and his token": ({ org, app }) => [
    `CF_Authorization=${app}; Path=/; ${everywhere}`,
    `CF_Authorization=${org}; Path=/cdn-cgi/access/login; ${everywhere}`,
  ],
  "everything that his browser holds": ({ org, app, appSession, nonce }) => [
    `CF_AppSession=${appSession}; Path=/; ${everywhere}`,
    `CF_Authorization=${app}; Path=/; ${everywhere}`,
    `CF_Authorization=${org}; Path=/cdn-cgi/access; ${everywhere}`,
    `__Host-postern_browser=${nonce}; Path=/; ${everywhere}`,
  ],
};

/** A site of somebody else's in the same domain, whose pages set what it is told to. */
async function startSibling(context: TestContext, { cert_file, key_file }: Certificate) {
  let lines: string[] = [];
  const files = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
  const server = createServer(files, (_request, response) => {
    response.setHeader("Content-Type", "text/html");
    // Node refuses characters that browsers take: a header travels as Latin-1.
    for (const line of lines) response.appendHeader("Set-Cookie", line);
    const text = JSON.stringify(lines).replaceAll("<", "\\u003c");
    response.end(`<script>for (const line of ${text}) document.cookie = line</script><h1>Hi</h1>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    /** the page of a visit that plants these */
    async visitedBy(page: Page, cookies: string[]): Promise<void> {
      lines = cookies;
      await page.goto(`https://evil.${domain}:${port}/`);
    },
  };
}

async function lootOf(gateway: TestGateway, his: Person): Promise<Loot> {
  const { tokens, sessions, catalogs } = gateway.parts;
  const application = catalogs.current().applicationByAud.get(gateway.aud(appHost));
  assert.ok(application !== undefined);
  const newSession = (kind: "browser" | "terminal") => {
    const idp = { id: "pin", type: "onetimepin" };
    const identity = { email: bob, name: "", groups: [], idp, amr: [], oidc_fields: {} };
    const more = { ip: "127.0.0.1", country: "", iat: 0 };
    return sessions.start({
      kind,
      identity: { ...identity, ...more },
      userAgent: "",
      lifetimeMs: hour,
    });
  };
  const ofTerminal = await newSession("terminal");
  const endedTerminal = await newSession("terminal");
  const ended = await newSession("browser");
  const nonce = his.cookiesOf(appHost).get("__Host-postern_browser") ?? "";
  const loot = {
    app: his.cookiesOf(appHost).get("CF_Authorization") ?? "",
    org: his.cookiesOf(teamHost).get("CF_Authorization") ?? "",
    terminal: await tokens.issueApp(ofTerminal, application, hour),
    endedTerminal: await tokens.issueApp(endedTerminal, application, hour),
    ended: await tokens.issueApp(ended, application, hour, nonce),
    nonce,
    appSession: his.cookiesOf(appHost).get("CF_AppSession") ?? "",
  };
  await sessions.end(endedTerminal.id);
  await sessions.end(ended.id);
  for (const [name, value] of Object.entries(loot)) assert.notEqual(value, "", name);
  return loot;
}

async function scene(context: TestContext) {
  const { ca, ca_file: _, ...files } = certificateFor(context, [`*.${domain}`]);
  const upstream = await startUpstream();
  const gateway = await startGateway({
    teamHost,
    tls: [files],
    sections: simpleSections(upstream.origin, [appHost]),
  });
  context.after(() => Promise.all([gateway.close(), upstream.close()]));
  const sibling = await startSibling(context, files);
  const address = `${gateway.origin(appHost)}${path}`;

  // bob signs in with a browser of his own, and keeps what it got.
  const his = new Person(undefined, undefined, ca);
  await his.open(address);
  await his.press("Send me a code", { email: bob });
  await his.press("Sign in", { code: gateway.pin(bob) ?? "" });
  assert.equal(his.page.status, 200, his.page.text);
  const loot = await lootOf(gateway, his);
  upstream.requests.length = 0;

  const whoReachedTheOrigin = () =>
    new Set(upstream.requests.map((each) => each.header("cf-access-authenticated-user-email")));
  return { upstream, gateway, sibling, address, his, loot, whoReachedTheOrigin };
}

async function signIn(page: Page, gateway: TestGateway): Promise<void> {
  await page.getByLabel("Email").fill(ada);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByRole("heading", { name: "Enter your code" }).waitFor();
  await page.getByLabel("Code").fill(gateway.pin(ada) ?? "");
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Who the application's own page finds signed in. */
function identitySeenBy(page: Page): Promise<{ status: number; email?: string }> {
  return page.evaluate(async () => {
    const answer = await fetch("/cdn-cgi/access/get-identity");
    const { email } = (await answer.json()) as { email?: string };
    return { status: answer.status, ...(email === undefined ? {} : { email }) };
  });
}

test(
  "whatever a sibling host plants in a browser over https, it signs nobody in as somebody else and ends nobody's session (T11)",
  browserOptions(),
  async (context) => {
    const { upstream, gateway, sibling, address, his, loot, whoReachedTheOrigin } =
      await scene(context);
    await withPage(async (page) => {
      page.setDefaultTimeout(60_000);
      const browser = page.context();
      const signInPage = page.getByRole("heading", { name: `Sign in to ${appHost}` });

      await page.goto(address);
      await signInPage.waitFor();
      await signIn(page, gateway);
      await page.waitForURL(address);
      const her = await browser.cookies([address, gateway.team]);
      const hers = (host: string) => her.filter((cookie) => cookie.domain === host);
      assert.deepEqual(whoReachedTheOrigin(), new Set([ada]));

      for (const [what, plant] of Object.entries(plants)) {
        // 1. A browser without any session of ours asks who it is for.
        await browser.clearCookies();
        await sibling.visitedBy(page, plant(loot));
        const planted = (await browser.cookies([address])).map(({ name }) => name);
        assert.ok(planted.length > 0, `${what} was really planted`);
        upstream.requests.length = 0;
        await page.goto(address);
        await signInPage.waitFor();
        assert.equal(upstream.requests.length, 0, `the origin saw ${what}`);

        // 2. One that is signed in at the team domain goes on as itself, and is asked nothing.
        await browser.clearCookies();
        await browser.addCookies(hers(teamHost));
        await sibling.visitedBy(page, plant(loot));
        await page.goto(address);
        assert.equal(page.url(), address, `${what}: ${await page.content()}`);
        assert.deepEqual(whoReachedTheOrigin(), new Set([ada]), what);

        // 3. One that is signed in at the application stays so.
        await browser.clearCookies();
        await browser.addCookies(hers(appHost));
        await sibling.visitedBy(page, plant(loot));
        await page.goto(address);
        assert.equal(page.url(), address, `${what}: ${await page.content()}`);
        assert.deepEqual(await identitySeenBy(page), { status: 200, email: ada }, what);
        assert.deepEqual(whoReachedTheOrigin(), new Set([ada]), what);
      }
    });

    assert.equal((await his.open(address)).status, 200, "bob's own session was good all along");
    assert.deepEqual(whoReachedTheOrigin(), new Set([ada, bob]));
  },
);
