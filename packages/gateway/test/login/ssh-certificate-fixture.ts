// A gateway whose applications sign SSH certificates, people who are signed in to them from a
// terminal, and `cert_sign` asked as the official client does.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Application } from "../../src/model/model.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { rightLines } from "../ssh/key-lines.ts";
import { ada, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { type Answer, type Ask, send } from "./person.ts";

export const signPath = "/cdn-cgi/access/cert_sign";
export const publicKey = `${rightLines["ecdsa-sha2-nistp256"]}\n`;
const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
export const certificates = { email_domains: ["example.com"] };

export function application(
  host: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    name: `The ${host}`,
    domain: `${host}.localhost`,
    policies: everybody,
    ssh_certificates: certificates,
    ...more,
  };
}

export interface Scene extends LoginFixture {
  /** a session and its token, for the application of this host */
  signedIn(host?: string, email?: string): Promise<{ session: StoredSession; token: string }>;
  /** asks as the official client does */
  ask(jwt: unknown, more?: Record<string, unknown>, how?: Ask): Promise<Answer>;
}

export async function startScene(
  context: TestContext,
  applications = [application("ssh"), application("other")],
): Promise<Scene> {
  const fixture = await startLoginFixture(context, { sections: { applications } });
  const { parts, team } = fixture;
  return {
    ...fixture,
    async signedIn(host = "ssh", email = ada) {
      const session = await fixture.session("terminal", email);
      const token = await parts.tokens.issueApp(session, applicationAt(fixture, host), 36e5);
      return { session, token };
    },
    ask: (jwt, more = {}, how = {}) =>
      send(`${team}${signPath}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ public_key: publicKey, jwt, issuer: team, ...more }),
        ...how,
      }),
  };
}

export function applicationAt({ parts, aud }: LoginFixture, host: string): Application {
  const found = parts.catalogs.current().applicationByAud.get(aud(host));
  assert.ok(found !== undefined, host);
  return found;
}

interface Certified {
  id: string;
  certificate: string;
  expires_at: string;
}

export function certifiedIn(answer: Answer): Certified {
  assert.equal(answer.status, 200, answer.text);
  const body = JSON.parse(answer.text);
  assert.deepEqual(Object.keys(body), ["id", "certificate", "expires_at"]);
  return body;
}

/** An answer that the client can read, and that signed nothing. */
export function assertRefused(
  { events }: Scene,
  answer: Answer,
  status: number,
  words: RegExp,
  what = "",
): void {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.match(String(answer.headers["content-type"]), /^application\/json/, what);
  const body = JSON.parse(answer.text);
  assert.deepEqual(Object.keys(body), ["status", "message"], what);
  assert.strictEqual(body.status, status, what);
  assert.match(body.message, words, what);
  assert.equal(body.message.split("\n").length, 1, what);
  assert.ok(!events.some(({ event }) => event === "ssh_certificate_signed"), what);
}
