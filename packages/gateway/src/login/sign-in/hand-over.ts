// Step 4 of a browser's login (wire-protocol 5): policy, and then either the page that says no or
// the one-use hand-over to the application's host.
import { endpoints } from "@postern/protocol";
import { terminalBinding } from "../../http/browser-binding.ts";
import type { StoredSession } from "../../storage/store.ts";
import { admits, decideFor } from "../decide.ts";
import type { LoginContext } from "../login-context.ts";
import { sendNoAccess } from "../no-access.ts";
import { sendStartAgain } from "../pages/error.ts";
import { recordLogin } from "../record-access.ts";
import { goTo } from "../responses.ts";
import { randomSecret, sha256 } from "../secret-values.ts";
import { applicationOf, type SignInTarget, type TargetAddress, urlOf } from "../sign-in-target.ts";
import { sealHandoverState } from "./handover-state.ts";
import { isForTerminal } from "./login-request.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/** For how long a hand-over can be taken, milliseconds. */
export const handoverLifeMs = 60_000;

/**
 * Leads somebody who is signed in to what they signed in for, if policy lets them.
 * @param signedIn `hasSession`: before this request
 */
export async function handOver(
  c: LoginContext,
  parts: SignInParts,
  target: SignInTarget,
  signedIn: { session: StoredSession; hasSession: boolean },
): Promise<Response> {
  const { facts } = c.var;
  const { session, hasSession } = signedIn;
  const { application: address } = target;
  if (address === undefined) return goTo(c, urlOf(facts, target));
  // Approval evaluates policy itself, and the application's host vouches anew for the terminal's
  // request.
  if (isForTerminal(address.redirect_url)) return goTo(c, urlOf(facts, target));
  const application = applicationOf(facts, target);
  if (application === undefined || address.app_session === "") {
    const message = "The application was changed while you were signing in.";
    return sendStartAgain(c, undefined, message);
  }
  const decision = decideFor(facts, application, session);
  if (admits(decision)) recordLogin(parts, facts, { ...signedIn, application, decision });
  switch (decision.outcome) {
    case "allow":
      return sendToApplication(c, parts, address, session);
    case "bypass":
      return goTo(c, urlOf(facts, target));
    case "deny":
    case "login":
      return sendNoAccess(c, parts, { application, target, session, hasSession });
  }
}

async function sendToApplication(
  c: LoginContext,
  parts: SignInParts,
  address: TargetAddress,
  session: StoredSession,
): Promise<Response> {
  const isTerminal = session.kind === "terminal";
  const nonce = randomSecret(parts.randomBytes);
  const state = sealHandoverState(parts, address);
  await parts.store.handovers.add({
    id: sha256(nonce),
    aud: address.aud,
    session_id: session.id,
    // A terminal exchanges its token with `CF_AppSession` alone (wire-protocol 5.5 and 6.3).
    app_session_hash: isTerminal ? terminalBinding(address.app_session) : address.app_session,
    state_hash: sha256(state),
    expires_at: parts.now() + handoverLifeMs,
  });
  const origin = `${c.var.facts.scheme}://${address.authority}`;
  const query = new URLSearchParams({ nonce, state });
  return goTo(c, `${origin}${endpoints.authorized}?${query}`);
}
