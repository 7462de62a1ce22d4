// The proof that goes with a terminal's bound token where a bearer of the token alone would get
// more than it is: the exchange, a pass, an SSH certificate (RFC 9449, docs/adr/0024). At an
// application with `proof_of_possession` it goes with everything, and no other token is taken.
import { type AppClaims, headers } from "@postern/protocol";
import { isSamePath } from "../http/canonical-path.ts";
import type { Application } from "../model/model.ts";
import { type PossessionFault, possessionFaults } from "../tokens/possession.ts";
import type { Tokens } from "../tokens/tokens.ts";
import type { LoginContext } from "./login-context.ts";
import { refuseJson } from "./responses.ts";

/** @returns undefined when the token is not bound, or whoever sends it proves to hold its key */
export function proofFaultOf(
  c: LoginContext,
  { tokens }: { tokens: Pick<Tokens, "checkProof"> },
  token: string,
  { sub, cnf }: Pick<AppClaims, "sub" | "cnf">,
): PossessionFault | undefined {
  if (cnf === undefined) return undefined;
  const { method, scheme, authority, path } = c.var.facts;
  const hasPath = (pathname: string) => isSamePath(pathname, path);
  // Two of them arrive joined, which is none.
  const proof = c.req.header(headers.proof);
  const proofs = proof === undefined ? [] : [proof];
  const request = { method, scheme, authority, hasPath, proofs, token };
  return tokens.checkProof({ sub, cnf }, request);
}

/** Whether an application takes no token of a terminal that is not bound, and this is one. */
export function lacksBinding(
  { proof_of_possession }: Application,
  { terminal, cnf }: AppClaims,
): boolean {
  return proof_of_possession === true && terminal === true && cnf === undefined;
}

/**
 * What is wrong with the proof of an application's token, where the application demands one with
 * every request of a terminal.
 */
export function demandedProofFaultOf(
  c: LoginContext,
  parts: { tokens: Pick<Tokens, "checkProof"> },
  application: Application,
  token: string,
  claims: AppClaims,
): PossessionFault | undefined {
  if (lacksBinding(application, claims)) return "token_not_bound";
  if (application.proof_of_possession !== true) return undefined;
  return proofFaultOf(c, parts, token, claims);
}

/** Refuses a request whose token is not proven, and says why. */
export function refuseUnproven(c: LoginContext, fault: PossessionFault): Response {
  c.header(headers.error, fault);
  const message = possessionFaults[fault];
  return refuseJson(c, 401, { error: fault, message }, `not proven: ${message}`);
}
