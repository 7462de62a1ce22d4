// The product's sentence, whole: the built command line, a real gateway over real sockets, a real
// origin, and the pages walked as a person without JavaScript would walk them.
// sign-in-in-a-browser.test.ts does the same in Chromium.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { startUpstream } from "../support/upstream.ts";

const ada = "ada@example.com";

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    sections: simpleSections(upstream.origin, ["app.localhost", "other.localhost", "localhost"]),
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const home = temporaryHome(context);
  return { upstream, gateway, home, environment: { POSTERN_HOME: home, CI: "1" } };
}

/** Signs in on the page that the terminal asked for, up to the approval page. */
async function signInFor(url: string, gateway: TestGateway, email = ada): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email });
  await visitor.press("Sign in", { code: gateway.pin(email) ?? "" });
  await visitor.settle();
  assert.equal(visitor.heading(), "Approve sign-in from a terminal", visitor.page.text);
  return visitor;
}

async function logIn(
  gateway: TestGateway,
  environment: Record<string, string>,
  host = "app.localhost",
  email = ada,
): Promise<void> {
  const login = startPostern(
    ["access", "login", gateway.origin(host), "--no-browser"],
    environment,
  );
  const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
  const visitor = await signInFor(url, gateway, email);
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
  assert.equal(await login.ended, 0, login.stderr());
}

test(
  "a developer signs in from a terminal, and access curl brings the API's answer",
  needs("curl"),
  async (context) => {
    const { upstream, gateway, environment } = await scene(context);
    const login = startPostern(
      ["access", "login", gateway.origin("app.localhost"), "--no-browser"],
      environment,
    );
    const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    const [code] = await login.until(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
    const visitor = await signInFor(url, gateway);
    assert.ok(visitor.page.text.includes(code), "the page shows the code that the terminal shows");
    await visitor.press("Approve");
    await visitor.settle();
    assert.equal(visitor.heading(), "You are signed in");
    assert.equal(await login.ended, 0, login.stderr());
    assert.equal(upstream.requests.length, 0, "signing in asks nothing of the origin");

    const curl = await runPostern(
      ["access", "curl", "-sS", `${gateway.origin("app.localhost")}/v1/orders?open=1`],
      environment,
    );
    assert.equal(curl.status, 0, curl.stderr);
    assert.equal(upstream.requests.length, 1, "no request but the person's own");
    const [request] = upstream.requests;
    assert.equal(request?.url, "/v1/orders?open=1");
    assert.equal(request?.header("cf-access-authenticated-user-email"), ada);
    assert.ok(request?.header("cf-access-jwt-assertion"));
    assert.equal(
      request?.header("cookie"),
      undefined,
      "the credential itself stays at the gateway",
    );
  },
);

test("access token prints the token alone", async (context) => {
  const { gateway, environment } = await scene(context);
  await logIn(gateway, environment);
  const token = await runPostern(
    ["access", "token", `-app=${gateway.origin("app.localhost")}`],
    environment,
  );
  assert.equal(token.status, 0);
  assert.match(token.stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal(token.stderr, "");
});

test("without a session and without a terminal, access token fails with status 3 and an empty output", async (context) => {
  const { gateway, environment } = await scene(context);
  const token = await runPostern(
    ["access", "token", `-app=${gateway.origin("app.localhost")}`],
    environment,
  );
  assert.equal(token.status, 3);
  assert.equal(token.stdout, "");
  assert.match(token.stderr, /access login/);
});

test(
  "the second application of the same person needs no browser: the terminal's own session is exchanged",
  needs("curl"),
  async (context) => {
    const { upstream, gateway, environment } = await scene(context);
    await logIn(gateway, environment);
    const curl = await runPostern(
      ["access", "curl", "-sS", `${gateway.origin("other.localhost")}/x`],
      environment,
    );
    assert.equal(curl.status, 0, curl.stderr);
    assert.equal(upstream.requests[0]?.header("host"), `other.localhost:${gateway.port}`);
  },
);

test(
  "put runs wget with a pass in its URL, which opens nothing else",
  needs("wget"),
  async (context) => {
    const { upstream, gateway, environment } = await scene(context);
    await logIn(gateway, environment, "localhost");
    const url = `${gateway.origin("localhost")}/files/report`;
    const put = await runPostern(["access", "put", "wget", "-qO-", url], environment);
    assert.equal(put.status, 0, put.stderr);
    assert.equal(upstream.requests[0]?.header("cf-access-authenticated-user-email"), ada);
    assert.equal(
      upstream.requests[0]?.url,
      "/files/report",
      "the origin sees neither the pass nor its name",
    );
  },
);

test("Deny on the page ends the login in the terminal with status 6", async (context) => {
  const { upstream, gateway, environment } = await scene(context);
  const login = startPostern(
    ["access", "login", gateway.origin("app.localhost"), "--no-browser"],
    environment,
  );
  const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
  const visitor = await signInFor(url, gateway);
  await visitor.press("Deny");
  assert.equal(visitor.heading(), "Sign-in refused");
  assert.equal(await login.ended, 6, login.stderr());
  assert.equal(
    (await runPostern(["access", "token", gateway.origin("app.localhost")], environment)).status,
    3,
  );
  assert.equal(upstream.requests.length, 0);
});

test("logout ends the terminal's session at the gateway: the token is dead at once", async (context) => {
  const { upstream, gateway, environment } = await scene(context);
  await logIn(gateway, environment);
  const { stdout: token } = await runPostern(
    ["access", "token", gateway.origin("app.localhost")],
    environment,
  );
  const logout = await runPostern(
    ["access", "logout", gateway.origin("app.localhost")],
    environment,
  );
  assert.equal(logout.status, 0, logout.stderr);
  const { Agent, request } = await import("node:http");
  const status = await new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port: gateway.port,
        headers: {
          Host: `app.localhost:${gateway.port}`,
          "cf-access-token": token,
          Accept: "application/json",
        },
        agent: new Agent(),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asked.on("error", reject);
    asked.end();
  });
  assert.equal(status, 401);
  assert.equal(upstream.requests.length, 0);
});

test(
  "an edit of the policy takes effect on the next request of a session that stands",
  needs("curl"),
  async (context) => {
    const { upstream, gateway, environment } = await scene(context);
    await logIn(gateway, environment);
    const sections = simpleSections(upstream.origin);
    const [application] = sections["applications"] as Record<string, unknown>[];
    await gateway.change({
      ...sections,
      applications: [
        {
          ...application,
          policies: [
            {
              name: "only Bob",
              decision: "allow",
              include: [{ email: { email: "bob@example.com" } }],
            },
          ],
        },
      ],
    });
    const curl = await runPostern(
      [
        "access",
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        `${gateway.origin("app.localhost")}/`,
      ],
      environment,
    );
    assert.equal(curl.stdout, "403");
    assert.equal(upstream.requests.length, 0);
  },
);
