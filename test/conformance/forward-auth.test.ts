// nginx, HAProxy and Caddy in front of applications, with the configuration that `postern render`
// writes: they carry the requests, and the gateway decides about each (wire-protocol 12).
import assert from "node:assert/strict";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { rawRequest } from "../support/raw-request.ts";
import { ada, forEachProxy, startScene } from "./forward-auth-fixture.ts";

const email = "cf-access-authenticated-user-email";

forEachProxy(
  "a person signs in at the gateway and gets to the application by the proxy alone",
  async (context, name) => {
    const { app, gateway, upstream } = await startScene(context, name);
    const person = new Person();
    await person.open(`${app}/page?a=b%20c`);
    await person.press("Send me a code", { email: ada });
    assert.equal(upstream.requests.length, 0);
    await person.press("Sign in", { code: gateway.pin(ada) ?? "" });
    assert.equal(person.page.status, 200);
    const [seen] = upstream.requests;
    assert.equal(seen?.requestLine, "GET /page?a=b%20c HTTP/1.1");
    assert.equal(seen.header(email), ada);
    assert.equal(seen.header("host"), new URL(app).host);
    assert.equal(seen.header("x-forwarded-for"), "127.0.0.1");
    assert.equal(seen.header("x-forwarded-proto"), "http");
    assert.match(seen.header("cf-access-jwt-assertion") ?? "", /^eyJ/);
    assert.doesNotMatch(seen.rawHeaders.join("\n"), /CF_Authorization|CF_AppSession|postern_/);
    assert.equal(
      gateway.events.some(({ event }) => event === "request_refused"),
      false,
    );
  },
);

forEachProxy(
  "strangers, and people without access, get the gateway's own answers and reach nothing",
  async (context, name) => {
    const { port, cookie, sawNothing } = await startScene(context, name);
    const lines = [`Host: app.localhost:${port}`];
    const stranger = await rawRequest(port, "GET /x HTTP/1.1", lines);
    assert.equal(stranger.status, 302);
    assert.match(stranger.headers["location"] ?? "", /\/cdn-cgi\/access\/login\/app\.localhost/);
    const program = await rawRequest(port, "GET /x HTTP/1.1", [
      ...lines,
      "Accept: application/json",
    ]);
    assert.equal(program.status, 401);
    assert.equal(JSON.parse(program.body).error, "not_signed_in");
    const denied = await rawRequest(
      port,
      "POST /admin/x HTTP/1.1",
      [...lines, await cookie(ada, "app.localhost/admin"), "Content-Length: 2"],
      "hi",
    );
    assert.equal(denied.status, 403);
    assert.ok(sawNothing());
  },
);
