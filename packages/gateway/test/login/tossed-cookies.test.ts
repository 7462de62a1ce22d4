// A sibling host over https, which can set any cookie for the whole domain but none with the prefix
// `__Host-` (case T11). Somebody signs in as himself, keeps what his browser got, and plants it in
// the browser of somebody else: she must not end up signed in as him.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { Person } from "./person.ts";

const domain = "example.test";
const appHost = `app.${domain}`;
const teamHost = `login.${domain}`;
const bob = "bob@example.com";
const withTls = needs("openssl");

async function scene(context: TestContext) {
  const { ca, ca_file: _, ...files } = certificateFor(context, [`*.${domain}`]);
  const upstream = await startUpstream();
  const gateway = await startGateway({
    teamHost,
    tls: [files],
    sections: simpleSections(upstream.origin, [appHost]),
  });
  context.after(() => Promise.all([gateway.close(), upstream.close()]));
  const app = `${gateway.origin(appHost)}/`;
  const person = () => new Person(undefined, undefined, ca);

  /** bob, up to where the code is typed */
  const beginSignIn = async () => {
    const browser = person();
    await browser.open(app);
    await browser.press("Send me a code", { email: bob });
    return browser;
  };
  const code = () => ({ code: gateway.pin(bob) ?? "" });
  const signIn = async () => {
    const browser = await beginSignIn();
    await browser.press("Sign in", code());
    assert.equal(browser.page.status, 200, browser.page.text);
    upstream.requests.length = 0;
    return browser;
  };
  /** a link that would sign in the browser that began, and what that browser holds */
  const handOverOf = async (browser: Person) => {
    browser.cookiesOf(appHost).delete("CF_Authorization");
    const challenge = await browser.ask(app);
    const { location: link = "" } = await browser.ask(challenge.location ?? "");
    assert.match(link, /\/cdn-cgi\/access\/authorized\?/);
    const cookies = browser.cookiesOf(appHost);
    const appSession = cookies.get("CF_AppSession");
    const binding = cookies.get("__Host-postern_browser");
    assert.ok(appSession !== undefined && binding !== undefined, [...cookies.keys()].join());
    return { link, appSession, binding };
  };
  return { upstream, app, person, beginSignIn, signIn, handOverOf, code };
}

/** The cookies of her own that a browser has at the application once she has been there. */
async function ownCookies(her: Person, app: string): Promise<string> {
  await her.ask(app);
  return [...her.cookiesOf(appHost)].map(([name, value]) => `${name}=${value}`).join("; ");
}

test(
  "over https a tossed CF_AppSession or hand-over cookie takes nobody's hand-over",
  withTls,
  async (context) => {
    const { upstream, app, person, signIn, handOverOf } = await scene(context);
    const his = await signIn();
    const her = person();
    const own = await ownCookies(her, app);
    type Loot = { appSession: string; binding: string };
    const tossed: Record<string, (loot: Loot) => string> = {
      nothing: () => own,
      "CF_AppSession alone": ({ appSession }) => `CF_AppSession=${appSession}`,
      "CF_AppSession before hers": ({ appSession }) => `CF_AppSession=${appSession}; ${own}`,
      "CF_AppSession after hers": ({ appSession }) => `${own}; CF_AppSession=${appSession}`,
      "CF_AppSession beside her hand-over cookie": ({ appSession }) =>
        `CF_AppSession=${appSession}; ${own.replace(/CF_AppSession=[^;]*;? ?/, "")}`,
      "the hand-over cookie without its prefix": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; postern_browser=${binding}`,
      "the prefix in lower case": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; __host-postern_browser=${binding}`,
      "the __Secure- prefix, which siblings can set": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; __Secure-postern_browser=${binding}`,
      "the name after a no-break space": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; \u00a0__Host-postern_browser=${binding}`,
      "a nameless cookie that reads like it": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; =__Host-postern_browser=${binding}`,
      "the same in quotes": ({ appSession, binding }) =>
        `CF_AppSession=${appSession}; x="; __host-postern_browser=${binding}; "`,
    };
    for (const [what, cookieOf] of Object.entries(tossed)) {
      const { link, ...loot } = await handOverOf(his);
      const answer = await her.ask(link, { headers: { cookie: cookieOf(loot) } });
      const names = answer.setCookies.map((line) => line.split("=", 1)[0]);
      assert.ok(!names.includes("CF_Authorization"), what);
      assert.notEqual(answer.location, app, what);
    }
    assert.equal(upstream.requests.length, 0, "the origin saw nobody");

    const { link, appSession, binding } = await handOverOf(his);
    const cookie = `CF_AppSession=${appSession}; __Host-postern_browser=${binding}`;
    const answer = await her.ask(link, { headers: { cookie } });
    assert.equal(answer.location, app, "it was the cookies alone that she lacked");
  },
);

test("over https a tossed attempt signs nobody in", withTls, async (context) => {
  const { upstream, person, beginSignIn, code } = await scene(context);
  const his = await beginSignIn();
  const attempts = [...his.cookiesOf(teamHost)].filter(([name]) => name.includes("attempt"));
  const [[name = "", value = ""] = []] = attempts;
  assert.match(name, /^__Host-postern_attempt_/);
  const bare = name.slice("__Host-".length);
  const her = person();
  const { url, ...form } = his.pressing("Sign in", code());
  for (const cookie of [
    "",
    `${bare}=${value}`,
    `__host-${bare}=${value}`,
    `__Secure-${bare}=${value}`,
    `\u00a0${name}=${value}`,
    `=${name}=${value}`,
    `x="; __HOST-${bare}=${value}; "`,
    `${bare}=${value}; __Host-postern_attempt_0123456789abcdef=${value}`,
  ]) {
    const headers = { ...form.headers, cookie };
    const answer = await her.ask(url, { ...form, headers });
    const names = answer.setCookies.map((line) => line.split("=", 1)[0]);
    assert.ok(!names.includes("CF_Authorization"), cookie);
    assert.ok(!answer.location?.includes("/cdn-cgi/access/authorized"), cookie);
  }
  assert.equal(upstream.requests.length, 0);

  const headers = { ...form.headers, cookie: `${name}=${value}` };
  const answer = await her.ask(url, { ...form, headers });
  assert.match(answer.setCookies.join(), /CF_Authorization=/, "it was the cookie alone");
});
