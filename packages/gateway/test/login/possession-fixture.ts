// A terminal whose session is bound to a key, and what it can show for it. Proofs are made with
// jose, which knows nothing of ours.
import { createHash, randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import {
  type Answer,
  type Ask,
  startTerminalFixture,
  type TerminalFixture,
  type TerminalFixtureOptions,
} from "./terminal-fixture.ts";

/** What a proof says that is not as it should be. */
export interface Oddity {
  /** members of the header */
  header?: Record<string, unknown>;
  /** claims; undefined takes one away */
  claims?: Record<string, unknown>;
  /** signs in its place */
  signer?: Holder;
}

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

/** Somebody with a key. */
export interface Holder {
  jkt: string;
  jwk: JWK;
  privateKey: SigningKey;
  /** a proof for a request with this token */
  proof(method: string, url: string, token: string, odd?: Oddity): Promise<string>;
}

export async function holder(alg = "ES256"): Promise<Holder> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const made: Holder = {
    jwk,
    privateKey,
    jkt: await calculateJwkThumbprint(jwk),
    proof(method, url, token, { header = {}, claims = {}, signer = made } = {}) {
      const ath = createHash("sha256").update(token).digest("base64url");
      const { origin, pathname } = new URL(url);
      const iat = Math.floor(Date.now() / 1000);
      return new SignJWT({
        htm: method,
        htu: origin + pathname,
        iat,
        jti: randomUUID(),
        ath,
        ...claims,
      })
        .setProtectedHeader({ typ: "dpop+jwt", alg, jwk, ...header })
        .sign(signer.privateKey);
    },
  };
  return made;
}

export interface BoundTerminal {
  fixture: TerminalFixture;
  owner: Holder;
  appToken: string;
  orgToken: string;
  /** asks with a token and, where it is given, a proof */
  ask(url: string, token: string, proof?: string | string[], more?: Ask): Promise<Answer>;
  /** what the exchange asks the team domain with (wire-protocol 6.3) */
  loginUrl(): Promise<string>;
}

/** A terminal that a person has approved, with the thumbprint of the owner's key. */
export async function boundTerminal(
  context: TestContext,
  options: TerminalFixtureOptions = {},
): Promise<BoundTerminal> {
  const fixture = await startTerminalFixture(context, options);
  const owner = await holder();
  const { app_token, org_token } = await approvedTerminal(fixture, owner.jkt);
  return {
    fixture,
    owner,
    appToken: app_token,
    orgToken: org_token,
    ask: (url, token, proof, { headers, ...more } = {}) =>
      fixture.send(url, {
        ...more,
        headers: {
          "cf-access-token": token,
          ...(proof === undefined ? {} : { "cf-access-dpop": proof }),
          ...headers,
        },
      }),
    async loginUrl() {
      const { headers } = await fixture.send(`${fixture.app("app")}/`, { method: "HEAD" });
      return String(headers.location);
    },
  };
}

/**
 * The tokens of a terminal that a person approves.
 * @param jkt that it states, if any
 * @param wish further fields of its opening
 */
export async function approvedTerminal(
  fixture: TerminalFixture,
  jkt: string | undefined,
  wish: Record<string, unknown> = {},
) {
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ orgToken: wish["grant"] === undefined });
  await terminal.opens(jkt === undefined ? wish : { jkt, ...wish });
  const poll = terminal.poll();
  await browser.press(await browser.open(terminal.shortUrl), "approve");
  return terminal.open(await poll);
}
