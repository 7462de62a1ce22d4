// A team domain below cloudflareaccess.com may be Cloudflare's, where the check of a token goes on
// to the origin, or a gateway's of ours, which answers it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAppUrl } from "../../src/app-url.ts";
import { checkToken, type TokenState } from "../../src/gateway-client/token-check.ts";
import { surroundings } from "../support/context.ts";
import { end, startPeer } from "../support/peer.ts";

const cloudflares = "https://login.cloudflareaccess.org/transfer/";

const cases: [what: string, team: string, relay: string, status: number, state: TokenState][] = [
  [
    "our own name",
    "https://login.example.com",
    "https://login.example.com/transfer/",
    403,
    "denied",
  ],
  [
    "our gateway",
    "https://a.cloudflareaccess.com",
    "https://a.cloudflareaccess.com/transfer/",
    403,
    "denied",
  ],
  [
    "our gateway",
    "https://a.cloudflareaccess.com",
    "https://a.cloudflareaccess.com/transfer/",
    204,
    "good",
  ],
  [
    "our gateway on a port",
    "https://a.cloudflareaccess.com:8443",
    "https://a.cloudflareaccess.com:8443/transfer/",
    403,
    "denied",
  ],
  ["Cloudflare", "https://a.cloudflareaccess.com", cloudflares, 403, "good"],
  ["Cloudflare", "https://a.cloudflareaccess.com", cloudflares, 404, "good"],
];

for (const [what, team, relay, status, state] of cases) {
  test(`a check that ${what} (${team}) answers with ${status} says "${state}"`, async (context) => {
    const peer = await startPeer(context);
    peer.answer = async (_seen, response) => {
      end(response, status);
      return true;
    };
    const app = readAppUrl(`${peer.origin("app")}/`);
    const application = {
      origin: app.origin,
      asked_at: 0,
      auth_domain: new URL(team).host,
      team,
      relay,
      app_hostname: "app.localhost",
      aud: "0".repeat(64),
      login: true,
      scope: "/",
      exact: false,
      fresh_until: 0,
    };
    assert.equal(await checkToken(surroundings(context), app, application, "token"), state);
  });
}
