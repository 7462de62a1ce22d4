// What programs are told that ask for something which is not here: in a form that they read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startLoginFixture } from "./login-fixture.ts";
import { Person, send } from "./person.ts";

const access = "/cdn-cgi/access";

test("an endpoint that this gateway does not have answers in the error form of its protocol", async (context) => {
  const { team, upstream } = await startLoginFixture(context);
  const cases: [url: string, fields: string[]][] = [
    [`${team}${access}/oauth/token`, ["error", "error_description"]],
    [`${team}${access}/oauth/registration`, ["error", "error_description"]],
    [`${team}/.well-known/oauth-authorization-server`, ["error", "message", "ray_id"]],
    [`${team}${access}/saml-metadata`, ["error", "message", "ray_id"]],
    [`${team}${access}/okta/saml-metadata`, ["error", "message", "ray_id"]],
  ];
  for (const [url, fields] of cases) {
    for (const ask of [
      { method: "POST", body: "{}" },
      { method: "POST", body: "{}", headers: { accept: "text/html" } },
      {},
    ]) {
      const answer = await send(url, ask);
      assert.equal(answer.status, 501, url);
      assert.match(String(answer.headers["content-type"]), /^application\/json/, url);
      assert.deepEqual(Object.keys(JSON.parse(answer.text)), fields, url);
      assert.match(String(answer.headers["cf-ray"]), /^[0-9a-f]{16}$/);
    }
  }
  assert.equal(upstream.requests.length, 0);
});

test("each error of the sign-in is a page, JSON or a line of text, with the same words and the ray id", async (context) => {
  const { team, app, aud } = await startLoginFixture(context);
  for (const [url, status, words] of [
    [`${app("app")}${access}/nothing`, 404, /No page at this address/],
    [`${team}${access}/callback?state=x`, 400, /no sign-in under way that this answer belongs to/],
    [
      `${app("app")}${access}/cli?aud=${aud("app")}&token=x`,
      400,
      /does not hold a terminal&#39;s key|does not hold a terminal's key/,
    ],
    [`${team}${access}/login/nobody.localhost?kid=x`, 400, /No application at this address/],
  ] as const) {
    const page = await new Person().ask(url);
    assert.match(String(page.headers["content-type"]), /^text\/html/);
    const json = await send(url, { headers: { accept: "application/json" } });
    const text = await send(url, { headers: { accept: "*/*" } });
    for (const answer of [page, json, text]) {
      assert.equal(answer.status, status, url);
      assert.match(answer.text, words);
      assert.ok(answer.text.includes(String(answer.headers["cf-ray"])), url);
      assert.equal(answer.headers["cache-control"], "private, no-store");
    }
    assert.equal(JSON.parse(json.text).ray_id, json.headers["cf-ray"]);
    assert.match(String(text.headers["content-type"]), /^text\/plain/);
    assert.equal(text.text.split("\n").length, 2, "one line");
  }
});
