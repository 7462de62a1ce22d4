// Tokens that are tied to the browser that they were handed to (ADR 0015), over real TLS: what
// counts in a browser's cookie, what goes on for programs, and that no way of keeping or losing
// cookies locks somebody out or sends them round in circles.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeToken } from "@postern/protocol";
import { simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { type Answer, type Ask, Person, send } from "./person.ts";

const domain = "example.test";
const appHost = `app.${domain}`;
const teamHost = `login.${domain}`;
const ada = "ada@example.com";
const bob = "bob@example.com";
const nonceName = "__Host-postern_browser";
const hour = 60 * 60_000;
const withTls = needs("openssl");

async function scene(context: TestContext, applications?: Record<string, unknown>[]) {
  const { ca, ca_file: _, ...files } = certificateFor(context, [`*.${domain}`]);
  const upstream = await startUpstream();
  const sections = simpleSections(upstream.origin, [appHost]);
  const gateway = await startGateway({
    teamHost,
    tls: [files],
    sections: applications === undefined ? sections : { ...sections, applications },
  });
  context.after(() => Promise.all([gateway.close(), upstream.close()]));
  const app = `${gateway.origin(appHost)}/`;
  const signIn = async (
    email: string,
    url = app,
    browser = new Person(undefined, undefined, ca),
  ) => {
    await browser.open(url);
    await browser.press("Send me a code", { email });
    await browser.press("Sign in", { code: gateway.pin(email) ?? "" });
    return browser;
  };
  /** a token as a sign-in without a browser's nonce would get it */
  const unboundToken = async (kind: "browser" | "terminal", { ended = false } = {}) => {
    const { tokens, sessions, catalogs } = gateway.parts;
    const application = catalogs.current().applicationByAud.get(gateway.aud(appHost));
    assert.ok(application !== undefined);
    const idp = { id: "pin", type: "onetimepin" };
    const claims = { name: "", groups: [], amr: [], oidc_fields: {} };
    const identity = { email: bob, idp, ip: "127.0.0.1", country: "", iat: 0, ...claims };
    const session = await sessions.start({ kind, identity, userAgent: "", lifetimeMs: hour });
    const token = await tokens.issueApp(session, application, hour);
    if (ended) await sessions.end(session.id);
    return token;
  };
  const emails = () => {
    const name = "cf-access-authenticated-user-email";
    return upstream.requests.splice(0).map((request) => request.header(name));
  };
  return { ca, upstream, gateway, app, signIn, unboundToken, emails };
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];

/** What a browser says of a visit. */
const visit = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

function valueAt(person: Person, name: string, host = appHost): string {
  return person.cookiesOf(host).get(name) ?? "";
}

test(
  "in a browser over https a token counts beside the nonce that it names alone, in a cookie and in the address",
  withTls,
  async (context) => {
    const { ca, app, upstream, signIn, unboundToken, emails, gateway } = await scene(context);
    const her = await signIn(ada);
    const his = await signIn(bob);
    const own = valueAt(her, "CF_Authorization");
    const nonce = `${nonceName}=${valueAt(her, nonceName)}`;
    const bobs = valueAt(his, "CF_Authorization");
    const bobsNonce = `${nonceName}=${valueAt(his, nonceName)}`;
    upstream.requests.length = 0;

    const foreign: Record<string, [token: string, otherCookies?: string]> = {
      "hers without the nonce": [own],
      "hers with another browser's nonce": [own, bobsNonce],
      "hers with two nonces": [own, `${nonce}; ${bobsNonce}`],
      "hers with a nonce that is cut": [own, nonce.slice(0, -1)],
      "hers with the nonce under another name": [own, nonce.replace("__Host-", "__Secure-")],
      "somebody else's with her nonce": [bobs, nonce],
      "a terminal's": [await unboundToken("terminal"), nonce],
      "a terminal's that has ended": [await unboundToken("terminal", { ended: true }), nonce],
      "one from before tokens had a nonce": [await unboundToken("browser"), nonce],
      "one of a session that has ended": [await unboundToken("browser", { ended: true }), nonce],
    };
    const said: Record<string, string>[] = [
      visit,
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-dest": "image" },
      { "Sec-Fetch-User": "?1" },
      { "sec-fetch-mode": "cors" },
    ];
    for (const [what, [token, others = ""]] of Object.entries(foreign)) {
      for (const fetchMetadata of said) {
        const status = fetchMetadata["sec-fetch-mode"] === "cors" ? 401 : 302;
        const inCookie = { cookie: `CF_Authorization=${token}; ${others}`, ...fetchMetadata };
        const answer = await send(app, { ca, headers: inCookie });
        assert.equal(answer.status, status, `${what}: ${JSON.stringify(fetchMetadata)}`);
        const inAddress = { cookie: others, ...fetchMetadata };
        const argument = await send(`${app}?token=${token}`, { ca, headers: inAddress });
        assert.equal(argument.status, status, `${what}: ${JSON.stringify(fetchMetadata)}`);
      }
      const headers = { cookie: `CF_Authorization=${token}; ${others}`, ...visit };
      const identity = await send(`${app}cdn-cgi/access/get-identity`, { ca, headers });
      assert.equal(identity.status, 401, what);
    }
    assert.equal(upstream.requests.length, 0, "the origin saw nobody");

    for (const [what, [token]] of Object.entries(foreign)) {
      if (token === own) continue;
      const cookie = `CF_Authorization=${token}; CF_Authorization=${own}; ${nonce}`;
      const answer = await send(app, { ca, headers: { cookie, ...visit } });
      assert.equal(answer.status, 200, `${what} beside her own: ${answer.text}`);
    }
    assert.deepEqual(new Set(emails()), new Set([ada]));
    const faults = gateway.events.map((event) => ("fault" in event ? event.fault : undefined));
    assert.ok(faults.includes("wrong_browser"), "the log says why");
  },
);

test(
  "programs go on with a token in a cookie or header, and so does a browser with the header",
  withTls,
  async (context) => {
    const { ca, app, signIn, unboundToken, emails } = await scene(context);
    const her = await signIn(ada);
    emails();
    const own = valueAt(her, "CF_Authorization");
    const terminal = await unboundToken("terminal");
    const ways: Ask[] = [
      { headers: { cookie: `CF_Authorization=${own}` } },
      { headers: { cookie: `CF_Authorization=${terminal}` } },
      { headers: { "cf-access-token": own } },
      { headers: { "cf-access-token": terminal } },
      { headers: { "cf-access-token": terminal, ...visit } },
      { headers: { "cf-access-token": own, ...visit, cookie: `${nonceName}=another` } },
    ];
    for (const way of ways) {
      const answer = await send(app, { ca, ...way });
      assert.equal(answer.status, 200, JSON.stringify(way.headers));
    }
    assert.deepEqual(emails(), [ada, bob, ada, bob, bob, ada]);
    const identity = await send(`${app}cdn-cgi/access/get-identity`, {
      ca,
      headers: { cookie: `CF_Authorization=${terminal}` },
    });
    assert.equal(identity.status, 200);
  },
);

test(
  "a session at the team domain counts in the browser that it began in alone",
  withTls,
  async (context) => {
    const { ca, app, gateway, upstream, signIn } = await scene(context);
    const his = await signIn(bob);
    const her = await signIn(ada);
    const org = (person: Person) =>
      `CF_Authorization=${valueAt(person, "CF_Authorization", teamHost)}`;
    const nonce = (person: Person) => `${nonceName}=${valueAt(person, nonceName, teamHost)}`;
    assert.notEqual(
      valueAt(her, nonceName, teamHost),
      valueAt(her, nonceName),
      "one for each host",
    );
    upstream.requests.length = 0;

    const challenge = await send(app, { ca, headers: visit });
    const home = (cookie: string, fetchMetadata: Record<string, string> = visit) =>
      send(`${gateway.team}/`, { ca, headers: { cookie, ...fetchMetadata } });
    const login = (cookie: string) =>
      send(challenge.location ?? "", { ca, headers: { cookie, ...visit } });
    for (const cookie of [
      org(his),
      `${org(his)}; ${nonce(her)}`,
      `${org(his)}; ${nonce(her)}; ${nonce(his)}`,
      `${org(his)}; ${nonce(his).replace("__Host-", "__host-")}`,
      `${org(his)}; ${nonceName}=${valueAt(his, nonceName)}`,
    ]) {
      assert.equal((await login(cookie)).location, undefined, `${cookie} led on`);
      assert.ok(!(await home(cookie)).text.includes(bob), cookie);
      assert.ok(!(await home(cookie, {})).text.includes(bob), "nor where no Sec-Fetch-* says it");
    }
    assert.match(
      (await login(`${org(his)}; ${org(her)}; ${nonce(her)}`)).location ?? "",
      /authorized/,
    );
    assert.ok((await home(`${org(his)}; ${org(her)}; ${nonce(her)}`)).text.includes(ada));
    assert.equal(upstream.requests.length, 0);
  },
);

test(
  "a WebSocket of a browser needs the nonce as well; a program's goes on",
  withTls,
  async (context) => {
    const { ca, app, upstream, signIn } = await scene(context);
    const her = await signIn(ada);
    const own = `CF_Authorization=${valueAt(her, "CF_Authorization")}`;
    const nonce = `${nonceName}=${valueAt(her, nonceName)}`;
    upstream.requests.length = 0;
    const dial = async (headers: Record<string, string>) => {
      const upgrade = {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      };
      return (await send(app, { ca, headers: { ...upgrade, ...headers } })).status;
    };
    const ownOrigin = app.slice(0, -1);
    for (const origin of [ownOrigin, `https://evil.${domain}`, "null"])
      assert.equal(await dial({ cookie: own, origin }), 401, origin);
    for (const origin of [`https://evil.${domain}`, "null"])
      assert.equal(await dial({ cookie: `${own}; ${nonce}`, origin }), 403, origin);
    assert.equal(upstream.requests.length, 0);

    // This origin goes on with nothing, and answers.
    assert.equal(await dial({ cookie: `${own}; ${nonce}`, origin: ownOrigin }), 200);
    assert.equal(await dial({ cookie: own }), 200);
    assert.equal(await dial({ "cf-access-token": own.slice(17), origin: "null" }), 200);
    assert.equal(upstream.requests.length, 3);
  },
);

/** A browser that keeps no cookie of the application's host whose name fits. */
class Forgetful extends Person {
  readonly #forgets: RegExp;

  constructor(forgets: RegExp, ca: string) {
    super(undefined, undefined, ca);
    this.#forgets = forgets;
  }

  override async ask(url: string, ask: Ask = {}): Promise<Answer> {
    const answer = await super.ask(url, ask);
    const cookies = this.cookiesOf(appHost);
    for (const name of cookies.keys()) if (this.#forgets.test(name)) cookies.delete(name);
    return answer;
  }
}

test(
  "a browser that does not keep its cookies is told so, and not sent round in circles",
  withTls,
  async (context) => {
    const { ca, app, upstream, signIn } = await scene(context);
    for (const [forgets, words] of [
      [/./, /keeps no cookies/],
      [/^__Host-postern_browser$/, /keeps no cookies/],
      [/^CF_AppSession$/, /keeps no cookies/],
      [/^CF_Authorization$/, /Allow cookies for app\.example\.test/],
    ] as const) {
      const browser = await signIn(ada, app, new Forgetful(forgets, ca));
      assert.equal(browser.page.status, 400, String(forgets));
      assert.match(browser.page.text, words, String(forgets));
      assert.ok(browser.page.text.includes(`href="${app}"`), "it may try again");
      await browser.open(app);
      assert.match(browser.page.text, words, "and ends there again");
    }
    assert.equal(upstream.requests.length, 0);
  },
);

test(
  "tabs that are opened together, and one that is opened again, all get in",
  withTls,
  async (context) => {
    const { app, signIn, emails } = await scene(context);
    const her = await signIn(ada);
    her.cookiesOf(appHost).delete("CF_Authorization");
    const pages = Array.from({ length: 12 }, (_, index) => `${app}reports/${index}`);
    const begun = await Promise.all(pages.map((page) => her.tab().ask(page)));
    const links = await Promise.all(begun.map(({ location = "" }) => her.tab().ask(location)));
    const ends = await Promise.all(links.map(({ location = "" }) => her.tab().ask(location)));
    assert.deepEqual(
      ends.map(({ location }) => location),
      pages,
    );
    for (const page of pages) assert.equal((await her.tab().open(page)).status, 200);
    for (const page of pages) {
      her.cookiesOf(appHost).delete("CF_Authorization");
      assert.equal((await her.tab().open(page)).status, 200);
    }
    assert.deepEqual(new Set(emails()), new Set([ada]));
  },
);

test(
  "the applications of a host share a nonce, which lasts longer than any token and goes as far",
  withTls,
  async (context) => {
    const application = (path: string, more: Record<string, unknown>) => ({
      name: path,
      type: "self_hosted",
      domain: `${appHost}/${path}`,
      path_cookie_attribute: true,
      policies: everybody,
      ...more,
    });
    const { app, signIn, emails } = await scene(context, [
      application("long", { session_duration: "720h", same_site_cookie_attribute: "none" }),
      application("short", { session_duration: "5m", same_site_cookie_attribute: "strict" }),
    ]);
    const her = await signIn(ada, `${app}long/`);
    const longToken = valueAt(her, "CF_Authorization");
    const nonce = valueAt(her, nonceName);
    her.cookiesOf(appHost).delete("CF_Authorization");
    await her.open(`${app}short/`);
    assert.equal(her.page.status, 200);
    assert.equal(valueAt(her, nonceName), nonce, "the hand-over for one leaves the other's nonce");
    const shortToken = valueAt(her, "CF_Authorization");
    for (const [path, token] of Object.entries({ long: longToken, short: shortToken })) {
      her.cookiesOf(appHost).set("CF_Authorization", token);
      assert.equal((await her.ask(`${app}${path}/`)).status, 200, path);
    }
    assert.deepEqual(new Set(emails()), new Set([ada]));

    const lines = her.history.flatMap(({ url, setCookies }) =>
      url.includes("/authorized?") ? setCookies : [],
    );
    const nonceLines = lines.filter((line) => line.startsWith(nonceName));
    assert.equal(nonceLines.length, 2);
    for (const line of nonceLines) {
      assert.match(line, /; Path=\/; .*HttpOnly; SameSite=None; Secure$/);
      const [, expires = ""] = /Expires=([^;]+)/.exec(line) ?? [];
      assert.ok(Date.parse(expires) > Date.now() + 720 * hour, line);
    }
  },
);

test(
  "a sign-out takes the nonce along; neither it nor its hash reaches an origin",
  withTls,
  async (context) => {
    const { app, upstream, signIn } = await scene(context);
    const her = await signIn(ada);
    const [seen] = upstream.requests.splice(0);
    assert.ok(seen !== undefined);
    const nonce = valueAt(her, nonceName);
    const token = valueAt(her, "CF_Authorization");
    const { browser } = decodeToken(token).claims;
    assert.equal(typeof browser, "string");
    assert.ok(!seen.rawHeaders.join("\n").includes(nonce));
    const assertion = decodeToken(seen.header("cf-access-jwt-assertion") ?? "");
    assert.ok(!JSON.stringify(assertion.claims).includes(String(browser)));

    await her.open(`${app}cdn-cgi/access/logout`);
    assert.match(her.page.text, /signed out/);
    assert.equal(valueAt(her, nonceName), "");
    her.cookiesOf(appHost).set("CF_Authorization", token).set(nonceName, nonce);
    assert.equal((await her.ask(app)).status, 302, "the session is over anyway");
    assert.equal(upstream.requests.length, 0);
  },
);

test(
  "with enable_binding_cookie a browser's token counts in no program either; a terminal's goes on",
  withTls,
  async (context) => {
    const bound = {
      name: appHost,
      type: "self_hosted",
      domain: appHost,
      enable_binding_cookie: true,
      accept_bearer: true,
      policies: everybody,
    };
    const { ca, app, upstream, signIn, unboundToken, emails } = await scene(context, [bound]);
    const her = await signIn(ada);
    assert.equal(her.page.status, 200, her.page.text);
    upstream.requests.length = 0;
    const token = valueAt(her, "CF_Authorization");
    const terminal = await unboundToken("terminal");
    const nonce = `${nonceName}=${valueAt(her, nonceName)}`;

    const stolen: [status: number, headers: Record<string, string>][] = [
      [302, { cookie: `CF_Authorization=${token}` }],
      [302, { cookie: `CF_Authorization=${token}; CF_Authorization=x` }],
      [302, { cookie: `CF_Authorization=${token}; ${nonce}x` }],
      [401, { cookie: `CF_Authorization=${terminal}; ${nonce}` }],
      [401, { "cf-access-token": token }],
      [401, { "cf-access-token": token, cookie: `${nonceName}=another` }],
      [401, { authorization: `Bearer ${token}` }],
    ];
    for (const [status, headers] of stolen) {
      const answer = await send(app, { ca, headers });
      assert.equal(answer.status, status, JSON.stringify(headers));
      const identity = await send(`${app}cdn-cgi/access/get-identity`, { ca, headers });
      assert.equal(identity.status, 401, JSON.stringify(headers));
    }
    const headers = { "cf-access-token": token, "content-type": "application/json" };
    const body = JSON.stringify({ url_prefix: app, ttl: 60 });
    const request = { ca, method: "POST", body };
    const pass = await send(`${app}cdn-cgi/access/pass`, { ...request, headers });
    assert.equal(pass.status, 401, pass.text);
    assert.equal(upstream.requests.length, 0, "the origin saw nobody");

    const good: Record<string, string>[] = [
      { cookie: `CF_Authorization=${token}; ${nonce}` },
      { cookie: `CF_Authorization=${token}; ${nonce}`, ...visit },
      { cookie: nonce, "cf-access-token": token },
      { "cf-access-token": terminal },
      { authorization: `Bearer ${terminal}` },
    ];
    for (const headers of good) {
      const answer = await send(app, { ca, headers });
      assert.equal(answer.status, 200, JSON.stringify(headers));
    }
    assert.deepEqual(emails(), [ada, ada, ada, bob, bob]);
    const withNonce = { ...headers, cookie: nonce };
    const minted = await send(`${app}cdn-cgi/access/pass`, { ...request, headers: withNonce });
    assert.equal(minted.status, 200, minted.text);
  },
);

test(
  "an origin's assertion that is planted in a browser's cookie says of nobody who is signed in there",
  withTls,
  async (context) => {
    const talkative = {
      name: appHost,
      type: "self_hosted",
      domain: appHost,
      origin_identity: true,
      policies: everybody,
    };
    const { ca, app, upstream, signIn } = await scene(context, [talkative]);
    await signIn(bob);
    const [seen] = upstream.requests.splice(0);
    const assertion = seen?.header("cf-access-jwt-assertion") ?? "";
    const cookie = `CF_Authorization=${assertion}`;
    const asked: [status: number, headers: Record<string, string>][] = [
      [401, { cookie, ...visit }],
      [401, { cookie, "sec-fetch-site": "same-origin" }],
      [200, { cookie }],
      [200, { "cf-access-token": assertion, ...visit }],
    ];
    for (const [status, headers] of asked) {
      const answer = await send(`${app}cdn-cgi/access/get-identity`, { ca, headers });
      assert.equal(answer.status, status, Object.keys(headers).join());
    }
  },
);
