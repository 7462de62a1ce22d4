// Logout, on the team domain and on application hosts (wire-protocol 11). A person's logout ends
// everything of theirs, everywhere; a terminal's ends the terminal. Nobody is signed out because
// some page held a picture whose address is this one (case T16).
import { endpoints, headers } from "@postern/protocol";
import type { StoredSession } from "../../storage/store.ts";
import { forgetNonce } from "../browser-nonce.ts";
import { isOwnNavigation } from "../fetch-metadata.ts";
import { csrfHolds, csrfValue, readForm } from "../forms.ts";
import type { LoginContext } from "../login-context.ts";
import { sendStartAgain } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { confirmSignOutPage, signedOutPage } from "../pages/signed-out.ts";
import { recordLogout } from "../record-access.ts";
import { refuseJson, sendEmpty } from "../responses.ts";
import { clearSessionCookie } from "../team-session.ts";
import { presentedSession } from "./application-session.ts";
import type { SignInParts } from "./sign-in-parts.ts";

const purpose = "sign out";
/** A token that got about is to be ended by whoever can, also where its key is lost. */
const withoutProof = { proof: false };

/** `GET`: at once where the person clicked here or typed the address, else a page that asks. */
export async function showLogout(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { session } = await presentedSession(c, parts, withoutProof);
  if (session === undefined) return sendSignedOut(c, false);
  if (c.var.facts.method === "GET" && isOwnNavigation(c)) {
    return signOut(c, parts, session);
  }
  return sendPage(
    c,
    confirmSignOutPage({
      email: session.identity.email,
      action: endpoints.logout,
      csrf: csrfValue(parts, session, purpose),
    }),
  );
}

/** `POST`: the page's button, or a terminal with its token in `cf-access-token`. */
export async function submitLogout(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { by, session } = await presentedSession(c, parts, withoutProof);
  if (by === "header") return endTerminal(c, parts, session);
  if (session === undefined) return sendSignedOut(c, false);
  const fields = await readForm(c);
  if (!csrfHolds(c, parts, { session, purpose, value: fields?.get("csrf") })) {
    const message =
      "The request to sign out did not come from a page of this gateway, so you are still signed in.";
    return sendStartAgain(c, endpoints.logout, message);
  }
  return signOut(c, parts, session);
}

async function signOut(
  c: LoginContext,
  parts: SignInParts,
  session: StoredSession,
): Promise<Response> {
  await parts.sessions.endAllOf(session.user_id);
  recordLogout(parts, c.var.facts, session);
  return sendSignedOut(c, true);
}

/** @param applicationSession that of the application's token, where it holds */
async function endTerminal(
  c: LoginContext,
  parts: SignInParts,
  applicationSession: StoredSession | undefined,
): Promise<Response> {
  const session = applicationSession ?? (await terminalOnTeam(c, parts));
  if (session === undefined) {
    const message = "The token is not valid, or its session has ended already.";
    return refuseJson(c, 401, { error: "not signed in", message }, message);
  }
  await parts.sessions.end(session.id);
  recordLogout(parts, c.var.facts, session);
  return sendEmpty(c, 204);
}

/**
 * A terminal whose application tokens have all run out holds its org token alone. Ending the
 * session it names gives nothing away, so here, and only here besides the exchange, that token is
 * read.
 */
async function terminalOnTeam(
  c: LoginContext,
  { tokens }: SignInParts,
): Promise<StoredSession | undefined> {
  const { host, catalog } = c.var.facts;
  if (host !== catalog.teamHost) return undefined;
  const verification = await tokens.verifyOrg(c.req.header(headers.accessToken) ?? "");
  return verification.ok && verification.session.kind === "terminal"
    ? verification.session
    : undefined;
}

/** @param ended whether there was a session to end */
function sendSignedOut(c: LoginContext, ended: boolean): Promise<Response> {
  clearSessionCookie(c);
  // Where nothing ended, a sign-in may be under way in another window.
  if (ended) forgetNonce(c);
  return sendPage(c, signedOutPage(ended));
}
