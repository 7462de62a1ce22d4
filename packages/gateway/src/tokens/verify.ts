// Verifies tokens that stand for people (wire-protocol 2). The steps come in an order in which each
// fault is as precise as the caller may want to log.
import {
  type AppClaims,
  checkTimes,
  decodeToken,
  type GrantClaims,
  type OrgClaims,
  type PassClaims,
  ProtocolError,
  readClaims,
} from "@postern/protocol";
import { verifyRs256 } from "@postern/protocol/jws";
import type { Clock } from "../clock.ts";
import type { StoredSession } from "../storage/store.ts";
import { type Generations, generationOf } from "./generations.ts";
import type { LiveSession, LiveSessions } from "./live-sessions.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { TokenFault } from "./tokens.ts";

interface ClaimsByType {
  org: OrgClaims;
  app: AppClaims;
  pass: PassClaims;
  grant: GrantClaims;
  assertion: AppClaims;
}

type TokenType = keyof ClaimsByType;

export type Verification<Claims> =
  | { ok: true; claims: Claims; live: LiveSession }
  | { ok: false; fault: TokenFault };

export interface VerifyDeps {
  keys: Pick<SigningKeys, "find">;
  sessions: Pick<LiveSessions, "find">;
  generations: Pick<Generations, "isCurrent">;
  /** the issuer in force */
  issuer: () => string;
  now: Clock;
}

const readers: {
  [Type in TokenType]: (claims: Record<string, unknown>) => ClaimsByType[Type];
} = {
  org: (claims) => readClaims(claims, "org"),
  app: (claims) => readClaims(claims, "app"),
  pass: (claims) => readClaims(claims, "pass"),
  grant: (claims) => readClaims(claims, "grant"),
  assertion: (claims) => readClaims(claims, "app"),
};

/**
 * Verifies a token of one type for one audience.
 * @returns its claims and the live session behind it, or what is wrong with it
 */
export async function verifyToken<Type extends TokenType>(
  deps: VerifyDeps,
  token: string,
  expected: { type: Type; aud: string },
): Promise<Verification<ClaimsByType[Type]>> {
  try {
    return await verifySteps(deps, token, expected);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return refused(error.code === "expired" ? "expired" : "malformed");
  }
}

/** @throws {ProtocolError} when it is not a token, lacks a claim, or is out of its time */
async function verifySteps<Type extends TokenType>(
  { keys, sessions, generations, issuer, now }: VerifyDeps,
  token: string,
  { type, aud }: { type: Type; aud: string },
): Promise<Verification<ClaimsByType[Type]>> {
  // 1. The form: two JSON objects and a signature.
  const { header, claims: rawClaims } = decodeToken(token);

  // 2. The algorithm, before any key is looked at (case T3). `jwk`, `jku` and `x5u` are never read.
  if (header["alg"] !== "RS256") return refused("bad_signature");

  // 3. The signature, by a published key.
  const key = await keys.find(header["kid"]);
  if (key === undefined || !verifyRs256(token, key)) return refused("bad_signature");

  // 4. Type, issuer and audience.
  if (typeOf(rawClaims) !== type) return refused("wrong_type");
  if (rawClaims["iss"] !== issuer()) return refused("wrong_issuer");
  const claims = readers[type](rawClaims);
  if (!claims.aud.includes(aud)) return refused("wrong_audience");

  // 5. The times.
  checkTimes(rawClaims, now() / 1000);

  // 6. The application's tokens were not revoked since.
  const isCurrent = type === "org" || (await generations.isCurrent(aud, generationOf(rawClaims)));
  if (!isCurrent) return refused("revoked");

  // 7. The session, which must be alive. A service token's assertion has none: it is for origins,
  //    and opens nothing here (case T2).
  const { identity_nonce: sessionId, sub } = claims;
  if (sessionId === undefined) return refused("revoked");
  const live = await sessions.find(sessionId, now());
  if (live === undefined || live.session.user_id !== sub) return refused("revoked");

  // 8. The session is of the kind that the token speaks for (case T10).
  if (!speaksFor(type, live.session, rawClaims["terminal"])) return refused("wrong_type");

  // 9. What is bound to a key is bound to the session's.
  if (saysOfKey(type) && jktOf(rawClaims) !== live.session.jkt) return refused("wrong_type");

  return { ok: true, claims, live };
}

/** Passes and assertions say nothing of the key. */
function saysOfKey(type: TokenType): boolean {
  return type !== "pass" && type !== "assertion";
}

function jktOf({ cnf }: Record<string, unknown>): unknown {
  if (cnf === undefined) return null;
  return typeof cnf === "object" && cnf !== null && "jkt" in cnf ? cnf.jkt : undefined;
}

/**
 * What the token is for. What an origin gets has the type of an application token and another use:
 * it is taken nowhere where that is meant. Made from a pass or a grant it says no more than that.
 */
function typeOf({ type, use, htu, act }: Record<string, unknown>): unknown {
  if (type !== "app") return type;
  if (use === undefined && htu === undefined && act === undefined) return type;
  return use === "assertion" && htu === undefined && act === undefined ? "assertion" : undefined;
}

/**
 * Whether a token of this type is for a session of this kind. A session of a grant has its grant
 * and nothing else; application and org tokens say whether they are a terminal's.
 */
function speaksFor(type: TokenType, { kind }: StoredSession, terminal: unknown): boolean {
  if (type === "grant" || kind === "grant") return type === kind && terminal === undefined;
  if (type === "pass" || type === "assertion") return terminal === undefined;
  return terminal === (kind === "terminal" ? true : undefined);
}

function refused(fault: TokenFault): { ok: false; fault: TokenFault } {
  return { ok: false, fault };
}
