// Whether whoever sends a bound token holds its key (RFC 9449 4.3). A proof is looked at only
// beside a token of ours that holds, and its signature is verified only once everything else fits:
// strangers cannot cause one.
import { decodeToken, ProtocolError } from "@postern/protocol";
import {
  type ProofClaims,
  type ProofJwk,
  readProofClaims,
  readProofHeader,
  thumbprintOf,
  tokenHash,
  verifyProof,
} from "@postern/protocol/proof";
import type { Clock, Stopwatch } from "../clock.ts";
import { SeenProofs } from "./seen-proofs.ts";

/** Why a proof does not count, as `Cf-Access-Error` says it. */
export type ProofFault =
  | "proof_missing"
  | "proof_invalid"
  | "proof_stale"
  | "proof_replayed"
  | "proof_limit";

/** Why a token is not taken where it would have to be bound. */
export type PossessionFault = ProofFault | "token_not_bound";

/** Whom a bound token was given to, as it says once it is verified. */
export interface TokenHolder {
  /** id of the user */
  sub: string;
  cnf: { jkt: string };
}

/** A request with a bound token. */
export interface ProvenRequest {
  method: string;
  scheme: "http" | "https";
  /** host, and the port where it is not the scheme's */
  authority: string;
  /** whether a path as a client writes it is that of the request */
  hasPath(pathname: string): boolean;
  /** every value of `cf-access-dpop` */
  proofs: readonly string[];
  token: string;
}

/** Seconds by which a proof may be older or newer than the gateway's clock. */
const tolerance = 60;
/** A proof from a clock that is ahead is good for both tolerances. Milliseconds. */
const lifetime = 2 * tolerance * 1000;
const longestProof = 2_048;
const longestJti = 128;

/** Checks proofs, and remembers those that it has taken. */
export class PossessionChecker {
  readonly #now: Clock;
  readonly #seen: SeenProofs;

  constructor({ now, elapsed }: { now: Clock; elapsed: Stopwatch }) {
    this.#now = now;
    this.#seen = new SeenProofs(elapsed, lifetime);
  }

  /** @returns undefined when the proof holds; it does not hold a second time */
  check({ sub: person, cnf }: TokenHolder, request: ProvenRequest): ProofFault | undefined {
    const { jkt } = cnf;

    // 1. One proof, by the key of the token.
    const [text] = request.proofs;
    if (text === undefined) return "proof_missing";
    const proof = request.proofs.length === 1 ? readProof(text) : undefined;
    if (proof === undefined || thumbprintOf(proof.jwk) !== jkt) return "proof_invalid";

    // 2. For this request and this token, and of now.
    const { claims, jwk } = proof;
    if (claims.htm !== request.method || !isAddressOf(claims.htu, request)) return "proof_invalid";
    if (claims.ath !== tokenHash(request.token)) return "proof_invalid";
    if (Math.abs(this.#now() / 1000 - claims.iat) > tolerance) return "proof_stale";

    // 3. Signed, and not taken before.
    if (!verifyProof(text, jwk)) return "proof_invalid";
    return this.#seen.add({ person, jkt, jti: claims.jti });
  }
}

interface Proof {
  jwk: ProofJwk;
  claims: ProofClaims;
}

function readProof(text: string): Proof | undefined {
  if (text.length > longestProof) return undefined;
  try {
    const { header, claims: rawClaims } = decodeToken(text);
    const jwk = readProofHeader(header);
    const claims = readProofClaims(rawClaims);
    if (jwk === undefined || claims === undefined) return undefined;
    return claims.jti.length <= longestJti ? { jwk, claims } : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Compared after parsing: scheme, host, port and path; query and fragment do not count. */
function isAddressOf(htu: string, { scheme, authority, hasPath }: ProvenRequest): boolean {
  if (!URL.canParse(htu)) return false;
  const url = new URL(htu);
  if (url.username !== "" || url.password !== "") return false;
  if (url.origin !== new URL(`${scheme}://${authority}`).origin) return false;
  return hasPath(url.pathname);
}

export function isPossessionFault(fault: string): fault is PossessionFault {
  return Object.hasOwn(possessionFaults, fault);
}

/** What is wrong, in one line for whoever sent the request. */
export const possessionFaults: Readonly<Record<PossessionFault, string>> = {
  proof_missing:
    "This token is bound to a key: send a proof of possession with it, in cf-access-dpop.",
  proof_invalid:
    "The proof of possession is not one of this token's key for this request: another machine has the key.",
  proof_stale:
    "The proof of possession is dated more than a minute from now: check the clock of this machine.",
  proof_replayed: "The proof of possession was used before: each request needs its own.",
  proof_limit: "Too many proofs of possession in two minutes: send fewer requests.",
  token_not_bound:
    "This application takes a terminal's token only when it is bound to a key in the system's keychain: sign in with POSTERN_TOKEN_STORE=keychain.",
};
