// The official client's conversation in its parts: how it finds the team domain, signs in and
// exchanges its org token.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { openTokens, transferKeyPairFromPrivateBytes } from "@postern/protocol";
import { Visitor } from "../../../packages/cli/src/library/visitor.ts";
import { simpleSections, startGateway, type TestGateway } from "../../support/gateway.ts";
import { certificateFor } from "../../support/tls.ts";
import { startUpstream } from "../../support/upstream.ts";
import {
  type Answer,
  acceptTeamDomain,
  type LoginKey,
  loginKey,
  loginUrl,
  send,
  setCookie,
  verifyJws,
  type Wire,
} from "./wire.ts";

export const ada = "ada@example.com";
/** Compiled in, as the suffix of the team domain is since 2026.8.0. */
export const relayHost = "login.cloudflareaccess.org";
const officialTeam = "example.cloudflareaccess.com";
export const ownTeam = "login.example.test";

const hosts = ["app.example.test", "other.example.test"];

/** A gateway with two applications, under the names that the client knows. */
export async function scene(
  context: TestContext,
  teamHost = officialTeam,
  sections: Record<string, unknown> = {},
) {
  const upstream = await startUpstream();
  const files = certificateFor(context, [teamHost, ...hosts, relayHost]);
  const gateway = await startGateway({
    sections: {
      ...simpleSections(upstream.origin, hosts),
      relay_hosts: [relayHost],
      ...sections,
    },
    teamHost,
    tls: [files],
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  return { upstream, gateway, ca: files.ca };
}

/** What the client reads the keys from. */
export async function certs(wire: Wire, gateway: TestGateway) {
  const answer = await send(wire, "GET", `${gateway.team}/cdn-cgi/access/certs`);
  assert.equal(answer.status, 200);
  assert.ok(answer.body.length < 1_048_576);
  return JSON.parse(answer.body.toString()) as {
    keys: Record<string, string>[];
    public_cert: { kid: string; cert: string };
    public_certs: { kid: string; cert: string }[];
  };
}

/** Discovery of 2026.8: a signed description in a response header. */
export async function describe(wire: Wire, gateway: TestGateway, url: string) {
  const answer = await send(wire, "HEAD", url, { "Cf-Access-Metadata-Request": "true" });
  assert.equal(answer.status, 204);
  const token = String(answer.headers["cf-access-metadata"]);
  const [, payload = ""] = token.split(".");
  const unverified = JSON.parse(Buffer.from(payload, "base64url").toString());
  acceptTeamDomain(wire, unverified.auth_domain);
  return verifyJws(token, await certs(wire, gateway)).claims;
}

/**
 * Opens the page as a person would, while the terminal polls as the client does; returns what the
 * terminal got.
 */
export async function transfer(wire: Wire, gateway: TestGateway, url: string, aud: string) {
  const key = loginKey();
  const visitor = new Visitor({ ca: wire.ca, address: "127.0.0.1" });
  const poll = send(wire, "GET", `https://${relayHost}:${gateway.port}/transfer/${key.text}`);
  await visitor.visit(loginUrl(url, aud, key));
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  assert.equal(visitor.heading(), "Approve sign-in from a terminal");
  return { key, visitor, poll };
}

/** A client that shows no code costs one more confirmation (wire-protocol 7). */
export async function approveUnseenClient(visitor: Visitor): Promise<void> {
  await visitor.press("Approve", { no_code: "yes" });
  await visitor.settle();
  assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
}

/** Opens what was delivered, with the key that it is sealed to. */
export function openDelivered(delivered: Answer, key: LoginKey) {
  const senderKey = String(delivered.headers["service-public-key"]);
  return openTokens(
    delivered.body.toString(),
    transferKeyPairFromPrivateBytes(key.secret),
    Buffer.from(senderKey, "base64url"),
  );
}

/** A whole login: the tokens that the terminal has at its end. */
export async function signIn(wire: Wire, gateway: TestGateway, url: string, aud: string) {
  const { key, visitor, poll } = await transfer(wire, gateway, url, aud);
  await approveUnseenClient(visitor);
  return openDelivered(await poll, key);
}

/**
 * wire-protocol 6.3 as the client does it: the org token on the login URL alone, `CF_AppSession` on
 * `authorized` alone.
 */
export async function exchange(
  wire: Wire,
  gateway: TestGateway,
  url: string,
  orgToken: string,
): Promise<string> {
  let appSession = "";
  let next = url;
  for (let hop = 0; hop < 5; hop++) {
    const { host, pathname } = new URL(next);
    const atLogin =
      `https://${host}` === gateway.team && pathname.startsWith("/cdn-cgi/access/login");
    const atAuthorized = pathname === "/cdn-cgi/access/authorized";
    const headers: Record<string, string> = {};
    if (atLogin) headers["Cookie"] = `CF_Authorization=${orgToken}`;
    else if (atAuthorized) headers["Cookie"] = `CF_AppSession=${appSession}`;
    const answer = await send(wire, "HEAD", next, headers);
    appSession = setCookie(answer, "CF_AppSession")?.value ?? appSession;
    if (atAuthorized) {
      const found = setCookie(answer, "CF_Authorization");
      assert.ok(
        found?.expires !== undefined && found.expires.getTime() > Date.now(),
        "an Expires attribute ahead of now",
      );
      return found.value;
    }
    assert.equal(answer.status, 302, `${next} → ${answer.status}`);
    next = new URL(String(answer.headers.location), next).href;
  }
  throw new Error("no authorized page within five redirects");
}
