// The proof that goes with a terminal's bound token where a bearer of the token alone would get
// more than it is: the exchange, a pass, an SSH certificate (RFC 9449, docs/adr/0024).
import { type AppClaims, headers } from "@postern/protocol";
import { isSamePath } from "../http/canonical-path.ts";
import { type ProofFault, possessionFaults } from "../tokens/possession.ts";
import type { Tokens } from "../tokens/tokens.ts";
import type { LoginContext } from "./login-context.ts";
import { refuseJson } from "./responses.ts";

/** @returns undefined when the token is not bound, or whoever sends it proves to hold its key */
export function proofFaultOf(
  c: LoginContext,
  { tokens }: { tokens: Pick<Tokens, "checkProof"> },
  token: string,
  { sub, cnf }: Pick<AppClaims, "sub" | "cnf">,
): ProofFault | undefined {
  if (cnf === undefined) return undefined;
  const { method, scheme, authority, path } = c.var.facts;
  const hasPath = (pathname: string) => isSamePath(pathname, path);
  // Two of them arrive joined, which is none.
  const proof = c.req.header(headers.proof);
  const proofs = proof === undefined ? [] : [proof];
  const request = { method, scheme, authority, hasPath, proofs, token };
  return tokens.checkProof({ sub, cnf }, request);
}

/** Refuses a request whose token is not proven, and says why. */
export function refuseUnproven(c: LoginContext, fault: ProofFault): Response {
  c.header(headers.error, fault);
  const message = possessionFaults[fault];
  return refuseJson(c, 401, { error: fault, message }, `not proven: ${message}`);
}
