// The data path from outside, byte for byte, with tokens that a test may mint as it likes. What is
// refused is always asked with the origin in view: it must have seen nothing.
import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { TestContext } from "node:test";
import { type RawAnswer, rawRequest } from "../../../../test/support/raw-request.ts";
import type { SeenRequest } from "../../../../test/support/upstream.ts";
import type { Application } from "../../src/model/model.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { ada, type LoginFixture, startLoginFixture } from "../login/login-fixture.ts";

export { ada, bob } from "../login/login-fixture.ts";

export const hour = 36e5;

const robotSecret = "the robot's long secret";
export const serviceTokens = [
  { name: "robot", client_id: "robot.access", client_secret: robotSecret },
];
export const robotPair = [
  "CF-Access-Client-Id: robot.access",
  `CF-Access-Client-Secret: ${robotSecret}`,
];
export const robotJson = JSON.stringify({
  "cf-access-client-id": "robot.access",
  "cf-access-client-secret": robotSecret,
});

export const everybody = { name: "everybody", decision: "allow", include: [{ everyone: {} }] };
export const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
export const machines = {
  name: "machines",
  decision: "non_identity",
  include: [{ any_valid_service_token: {} }],
};
export const only = (email: string) => ({
  name: `only ${email}`,
  decision: "allow",
  include: [{ email: { email } }],
});

/** An application of `name.localhost[/path]`. */
export function application(
  name: string,
  policies: unknown[],
  settings: Record<string, unknown> = {},
): Record<string, unknown> {
  const [host = "", ...path] = name.split("/");
  return {
    name,
    type: "self_hosted",
    domain: [`${host}.localhost`, ...path].join("/"),
    session_duration: "8h",
    policies,
    ...settings,
  };
}

export interface Asked {
  host?: string;
  method?: string;
  body?: string;
}

export interface AccessFixture {
  fixture: LoginFixture;
  application(name: string): Application;
  /**
   * an application token as a login would have given it, and the session behind it where a test
   * needs that
   */
  token(name: string, email?: string, session?: StoredSession): Promise<string>;
  ask(path: string, lines?: readonly string[], asked?: Asked): Promise<RawAnswer>;
  /** the answer, which must have this status; the origin has seen nothing */
  refused(
    status: number,
    path: string,
    lines?: readonly string[],
    asked?: Asked,
  ): Promise<RawAnswer>;
  /** what the origin got of a request that must have passed */
  passed(path: string, lines?: readonly string[], asked?: Asked): Promise<SeenRequest>;
}

/** Asks `app.localhost` unless told otherwise. */
export async function startAccessFixture(
  context: TestContext,
  applications: Record<string, unknown>[],
  sections: Record<string, unknown> = {},
): Promise<AccessFixture> {
  const fixture = await startLoginFixture(context, {
    sections: { applications, service_tokens: serviceTokens, ...sections },
  });
  const find = (name: string) => {
    const found = fixture.parts.catalogs.current().applications.find((each) => each.name === name);
    assert.ok(found !== undefined, name);
    return found;
  };
  const ask: AccessFixture["ask"] = (
    path,
    lines = [],
    { host = "app.localhost", method = "GET", body = "" } = {},
  ) => rawRequest(fixture.port, `${method} ${path} HTTP/1.1`, [`Host: ${host}`, ...lines], body);
  return {
    fixture,
    application: find,
    token: async (name, email = ada, session) =>
      await fixture.parts.tokens.issueApp(
        session ?? (await fixture.session("browser", email)),
        find(name),
        8 * hour,
      ),
    ask,
    async refused(status, path, lines, asked) {
      const answer = await ask(path, lines, asked);
      const what = `${path} ${lines?.join(" | ")}`.slice(0, 300);
      assert.equal(answer.status, status, what);
      assert.equal(fixture.upstream.requests.length, 0, `the origin saw ${what}`);
      return answer;
    },
    async passed(path, lines, asked) {
      const answer = await ask(path, lines, asked);
      const what = `${path} ${lines?.join(" | ")}`.slice(0, 300);
      assert.equal(answer.status, 200, `${what}\n${answer.body.slice(0, 300)}`);
      assert.equal(fixture.upstream.requests.length, 1, what);
      const [seen] = fixture.upstream.requests.splice(0);
      assert.ok(seen !== undefined);
      return seen;
    },
  };
}

/** Who the origin was told that asks: an address, or the client id of a program. */
export function identityIn(seen: SeenRequest): unknown {
  const assertion = seen.header("cf-access-jwt-assertion");
  if (assertion === undefined) return undefined;
  const claims = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString());
  assert.equal(seen.header("cf-access-authenticated-user-email"), claims.email);
  return claims.email ?? claims.common_name;
}

/** The same token with another signature. */
export function forged(token: string): string {
  return token.replace(
    /[^.]+$/,
    (signature) =>
      signature.slice(0, -8) + (signature.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA"),
  );
}

/** The key that signs, as only somebody inside has it: to make what the gateway never would. */
export async function signingKey({
  fixture,
}: AccessFixture): Promise<{ kid: string; privateKey: KeyObject }> {
  const current = (await fixture.parts.store.keys.all()).find(({ state }) => state === "current");
  const pem =
    current &&
    fixture.parts.secretBox.open(current.sealed_private_key, `signing key ${current.kid}`);
  assert.ok(current !== undefined && pem !== undefined);
  return { kid: current.kid, privateKey: createPrivateKey(pem) };
}
