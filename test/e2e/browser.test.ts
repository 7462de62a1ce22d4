// What only a real browser shows: cookies and their attributes, redirects across hosts, framing,
// cross-site requests, and that the pages work for somebody who looks at them. Chromium, real
// providers, the built CLI.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { browserOptions, withPage } from "../support/browser.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { freePort, simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { startIdentityProvider } from "../support/identity-provider.ts";
import { startUpstream } from "../support/upstream.ts";

const ada = "ada@example.com";

async function scene(context: TestContext, more: Record<string, unknown> = {}, port?: number) {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    sections: { ...simpleSections(upstream.origin), ...more },
    ...(port === undefined ? {} : { port }),
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  return { upstream, gateway, environment: { POSTERN_HOME: temporaryHome(context), CI: "1" } };
}

async function signInWithPin(page: Page, gateway: TestGateway, email = ada): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByRole("heading", { name: "Enter your code" }).waitFor();
  await page.getByLabel("Code").fill(gateway.pin(email) ?? "");
  await page.getByRole("button", { name: "Sign in" }).click();
}

test(
  "a person signs in with a one-time PIN in Chromium and lands on the page asked for",
  browserOptions(),
  async (context) => {
    const { upstream, gateway } = await scene(context);
    await withPage(async (page) => {
      await page.goto(`${gateway.origin("app.localhost")}/reports/7?year=2026`);
      await page.getByRole("heading", { name: "Sign in to app.localhost" }).waitFor();
      await signInWithPin(page, gateway);
      await page.waitForURL(`${gateway.origin("app.localhost")}/reports/7?year=2026`);
      assert.equal(upstream.requests.at(-1)?.header("cf-access-authenticated-user-email"), ada);
      const cookie = (await page.context().cookies(gateway.origin("app.localhost"))).find(
        (each) => each.name === "CF_Authorization",
      );
      assert.equal(cookie?.httpOnly, true);
      assert.equal(cookie?.sameSite, "Lax");
      assert.ok((cookie?.expires ?? 0) > Date.now() / 1000);
    });
  },
);

test(
  "a person signs in at an OpenID Connect provider in Chromium",
  browserOptions(),
  async (context) => {
    const port = await freePort();
    const redirectUri = `http://login.localhost:${port}/cdn-cgi/access/callback`;
    const provider = await startIdentityProvider({
      redirectUri,
      accounts: { ada: { email: ada, email_verified: true, groups: ["engineers"] } },
    });
    context.after(() => provider.close());
    const config = {
      client_id: provider.clientId,
      client_secret: provider.clientSecret,
      issuer: provider.issuer,
    };
    const identity_providers = [{ id: "corp", name: "Example SSO", type: "oidc", config }];
    const { upstream, gateway } = await scene(context, { identity_providers }, port);
    await withPage(async (page) => {
      await page.goto(gateway.origin("app.localhost"));
      await page.getByRole("button", { name: "Example SSO" }).click();
      await page.getByLabel("Account").fill("ada");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL(`${gateway.origin("app.localhost")}/`);
      assert.equal(upstream.requests.at(-1)?.header("cf-access-authenticated-user-email"), ada);
    });
  },
);

test(
  "a person comes back to the fragment of the address, through forms, a provider and another host",
  browserOptions(),
  async (context) => {
    const port = await freePort();
    const provider = await startIdentityProvider({
      redirectUri: `http://login.localhost:${port}/cdn-cgi/access/callback`,
      accounts: { ada: { email: ada, email_verified: true } },
    });
    context.after(() => provider.close());
    const { clientId: client_id, clientSecret: client_secret, issuer } = provider;
    const identity_providers = [
      { id: "pin", name: "PIN", type: "onetimepin" },
      {
        ...{ id: "corp", name: "Example SSO", type: "oidc" },
        config: { client_id, client_secret, issuer },
      },
    ];
    const people = [{ name: "p", decision: "allow", include: [{ everyone: {} }] }];
    const applications = ["app", "other"].map((name) => ({
      ...{ name, domain: `${name}.localhost`, policies: people },
    }));
    const { gateway } = await scene(context, { identity_providers, applications }, port);
    const address = `${gateway.origin("app.localhost")}/board?year=2026#/reports/7?x=<%22>&y=%C3%A9`;
    await withPage(async (page) => {
      await page.goto(address);
      await signInWithPin(page, gateway);
      await page.waitForURL((url) => url.pathname === "/board");
      assert.equal(await page.evaluate("location.hash"), "#/reports/7?x=%3C%22%3E&y=%C3%A9");
      // Whoever is signed in goes on over redirects alone.
      await page.goto(`${gateway.origin("other.localhost")}/#/there`);
      await page.waitForURL((url) => url.hostname === "other.localhost");
      assert.equal(await page.evaluate("location.hash"), "#/there");
    });
    await withPage(async (page) => {
      await page.goto(`${gateway.origin("app.localhost")}/#/through/the/provider`);
      await page.getByRole("button", { name: "Example SSO" }).click();
      await page.getByLabel("Account").fill("ada");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL((url) => url.hostname === "app.localhost");
      assert.equal(await page.evaluate("location.hash"), "#/through/the/provider");
    });
  },
);

test(
  "a terminal is approved in Chromium by comparing the code",
  browserOptions(),
  async (context) => {
    const { gateway, environment, upstream } = await scene(context);
    const login = startPostern(
      ["access", "login", gateway.origin("app.localhost"), "--no-browser"],
      environment,
    );
    const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    const [code] = await login.until(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
    await withPage(async (page) => {
      await page.goto(url);
      await signInWithPin(page, gateway);
      await page.getByRole("heading", { name: "Approve sign-in from a terminal" }).waitFor();
      assert.equal((await page.getByLabel("Code").innerText()).trim(), code);
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByRole("heading", { name: "You are signed in" }).waitFor();
    });
    assert.equal(await login.ended, 0, login.stderr());
    const curl = await runPostern(
      ["access", "curl", "-sS", `${gateway.origin("app.localhost")}/x`],
      environment,
    );
    assert.equal(curl.status, 0);
    assert.equal(upstream.requests.at(-1)?.header("cf-access-authenticated-user-email"), ada);
  },
);

test(
  "the window of a terminal's sign-in closes itself where the terminal asked for that",
  browserOptions(),
  async (context) => {
    const { gateway, environment } = await scene(context);
    const login = startPostern(
      ["access", "login", gateway.origin("app.localhost"), "--no-browser", "--auto-close"],
      environment,
    );
    const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    await withPage(async (page) => {
      await page.goto(`${gateway.team}/cdn-cgi/access/login`);
      await signInWithPin(page, gateway);
      const popup = page.waitForEvent("popup");
      await page.evaluate(`void window.open(${JSON.stringify(url)})`);
      const approval = await popup;
      const closed = approval.waitForEvent("close");
      await approval.getByRole("button", { name: "Approve" }).click();
      await closed;
    });
    assert.equal(await login.ended, 0, login.stderr());
  },
);

test(
  "a script of the protected application can neither read nor frame nor submit the approval page (C5)",
  browserOptions(),
  async (context) => {
    const { gateway, environment } = await scene(context);
    const login = startPostern(
      ["access", "login", gateway.origin("app.localhost"), "--no-browser"],
      environment,
    );
    const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    await withPage(async (page) => {
      await page.goto(url);
      await signInWithPin(page, gateway);
      await page.getByRole("heading", { name: "Approve sign-in from a terminal" }).waitFor();
      const approval = page.url();
      const action = await page
        .locator("form")
        .first()
        .evaluate((form) => (form as unknown as { action: string }).action);
      await page.goto(`${gateway.origin("app.localhost")}/page-of-the-application`);

      const read = await page.evaluate(async (address) => {
        try {
          return await (await fetch(address, { credentials: "include" })).text();
        } catch (error) {
          return `failed: ${(error as Error).name}`;
        }
      }, approval);
      assert.equal(read, "failed: TypeError", "not readable from another origin");

      const framed = await page.evaluate(
        (address) =>
          new Promise<boolean>((resolve) => {
            const { document } = globalThis as unknown as {
              document: {
                createElement(name: string): Record<string, unknown>;
                body: { append(node: unknown): void };
              };
            };
            const frame = document.createElement("iframe") as {
              src: string;
              onload: () => void;
              contentDocument: unknown;
            };
            frame.onload = () => resolve(frame.contentDocument !== null);
            frame.src = address;
            document.body.append(frame);
          }),
        approval,
      );
      assert.equal(framed, false, "the frame shows the browser's own error, of an opaque origin");
      assert.equal(
        page
          .frames()
          .some(
            (frame) =>
              frame.url() === approval && frame !== page.mainFrame() && frame.name() === "readable",
          ),
        false,
      );

      await page.evaluate((address) => {
        const { document } = globalThis as unknown as {
          document: {
            createElement(name: string): Record<string, unknown>;
            body: { append(node: unknown): void };
          };
        };
        const form = document.createElement("form") as {
          method: string;
          action: string;
          submit(): void;
        };
        form.method = "post";
        form.action = address;
        document.body.append(form);
        form.submit();
      }, action);
      await page.waitForLoadState();
      assert.notEqual(await page.getByRole("heading").first().innerText(), "You are signed in");
    });
    login.child.kill("SIGTERM");
    await login.ended;
    assert.equal(
      (await runPostern(["access", "token", gateway.origin("app.localhost")], environment)).status,
      3,
      "nothing was delivered",
    );
  },
);

test("signing out in the browser shows the door again", browserOptions(), async (context) => {
  const { gateway, upstream } = await scene(context);
  await withPage(async (page) => {
    await page.goto(gateway.origin("app.localhost"));
    await signInWithPin(page, gateway);
    await page.waitForURL(`${gateway.origin("app.localhost")}/`);
    // The browser asks for an icon when it likes to.
    const visits = () => upstream.requests.filter(({ url }) => url === "/").length;
    assert.equal(visits(), 1);
    await page.goto(`${gateway.origin("app.localhost")}/cdn-cgi/access/logout`);
    const confirm = page.getByRole("button", { name: "Sign out" });
    if (await confirm.isVisible()) await confirm.click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    await page.goto(gateway.origin("app.localhost"));
    await page.getByRole("heading", { name: "Sign in to app.localhost" }).waitFor();
    assert.equal(visits(), 1);
  });
});
