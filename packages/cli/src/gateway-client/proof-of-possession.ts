// The proof that goes with a token that is bound to this machine's key (wire-protocol 3.7). Tokens
// that are bound to none need none.
import { randomUUID } from "node:crypto";
import { headers } from "@postern/protocol";
import { peekClaims } from "@postern/protocol/decode-token";
import { signProof, tokenHash } from "@postern/protocol/proof";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { HttpResponse } from "../net/http-message.ts";
import { readBoundKey } from "../store/bound-key.ts";

/** A request with a token. */
export interface TokenRequest {
  method: string;
  url: URL;
  token: string;
}

/**
 * The header field with the proof; none for a token that is not bound.
 * @param team origin of the team domain
 * @throws {CliError} failure when the key is not here
 */
export function proofFields(
  context: Context,
  team: string,
  { method, url, token }: TokenRequest,
): Record<string, string> {
  if (peekClaims(token)["cnf"] === undefined) return {};
  const key = readBoundKey(context, team);
  if (key === undefined) throw keyIsMissing(team);
  const proof = signProof(key.privateKey, key.jwk, {
    htm: method,
    htu: url.origin + url.pathname,
    iat: Math.floor(context.now() / 1000),
    jti: randomUUID(),
    ath: tokenHash(token),
  });
  return { [headers.proof]: proof };
}

function keyIsMissing(team: string): CliError {
  return new CliError(
    "failure",
    `the session at ${team} is bound to a key that is not here; forget it with: postern access logout --all, and sign in again`,
  );
}

/**
 * Why the gateway did not take a proof, as an error; undefined when it says nothing of one.
 * @param what for the person: the URL that was asked for
 */
export function proofRefusal(
  { headers: answer }: HttpResponse,
  what: string,
): CliError | undefined {
  switch (answer[headers.error]) {
    case "proof_stale":
      return new CliError(
        "failure",
        `${what} was refused: the clock of this machine is wrong by more than a minute; set it and try again`,
      );
    case "proof_missing":
    case "proof_invalid":
    case "proof_replayed":
    case "proof_limit":
      return new CliError(
        "failure",
        `${what} was refused: this machine could not prove that the session is its own (${answer[headers.error]}); sign in again with: postern access login`,
      );
    case "token_not_bound":
      return new CliError("failure", `${what} ${demandsBoundTokens}`);
    default:
      return undefined;
  }
}

/** What follows the URL of an application that takes nothing but proven tokens of terminals. */
export const demandsBoundTokens =
  "takes sessions alone that are bound to a key in the system's keychain; sign in with POSTERN_TOKEN_STORE=keychain";
