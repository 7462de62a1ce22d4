// Whether a person's token proves that it comes from where it was given to, for an application that
// demands it (`proof_of_possession`, RFC 9449). Browsers have no such key: theirs are tied to the
// browser by other means (ADR 0015).
import type { AppClaims } from "@postern/protocol";
import { isSamePath } from "../http/canonical-path.ts";
import type { Application } from "../model/model.ts";
import type { PossessionFault, TokenHolder } from "../tokens/possession.ts";
import type { Tokens } from "../tokens/tokens.ts";
import type { ReadRequest } from "./read-request.ts";

type Prover = Pick<Tokens, "checkProof">;

/**
 * What is wrong with the proof of a token, where the application demands one.
 * @returns undefined when nothing is
 */
export function possessionFaultOf(
  tokens: Prover,
  reading: ReadRequest,
  token: string,
  { terminal, sub, cnf }: AppClaims,
): PossessionFault | undefined {
  if (terminal !== true) return undefined;
  if (cnf === undefined) return "token_not_bound";
  return proofFaultOf(tokens, reading, token, { sub, cnf });
}

/**
 * The same of a grant: a bound one proves itself at every application, since nothing else keeps
 * whoever has copied it from using it.
 */
export function grantFaultOf(
  tokens: Prover,
  reading: ReadRequest,
  { proof_of_possession }: Application,
  token: string,
  { sub, cnf }: AppClaims,
): PossessionFault | undefined {
  if (cnf !== undefined) return proofFaultOf(tokens, reading, token, { sub, cnf });
  return proof_of_possession === true ? "token_not_bound" : undefined;
}

function proofFaultOf(
  tokens: Prover,
  { facts, headers }: ReadRequest,
  token: string,
  holder: TokenHolder,
): PossessionFault | undefined {
  const { method, scheme, authority, path } = facts;
  const hasPath = (pathname: string) => isSamePath(pathname, path);
  return tokens.checkProof(holder, {
    method,
    scheme,
    authority,
    hasPath,
    proofs: headers.proof,
    token,
  });
}
