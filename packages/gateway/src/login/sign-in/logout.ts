// Logout, on the team domain and on application hosts (wire-protocol 11). A person's logout ends
// everything of theirs, everywhere; a terminal's ends the terminal. Nobody is signed out because
// some page held a picture whose address is this one (case T16).
import { endpoints, headers } from "@postern/protocol";
import type { Context } from "hono";
import type { StoredSession } from "../../storage/store.ts";
import { readForm, sendJson, setPrivate } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { startAgainPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { confirmSignOutPage, signedOutPage } from "../pages/signed-out.ts";
import { clearSessionCookie, csrfHolds, csrfValue } from "../session.ts";
import { presentedSession } from "./application-session.ts";

type C = Context<LoginEnv>;

const purpose = "sign out";

/** `GET`: at once where the person clicked here or typed the address, else a page that asks. */
export async function showLogout(c: C, deps: LoginDependencies): Promise<Response> {
  const { session } = await presentedSession(c, deps);
  if (session === undefined) return signedOut(c, false);
  if (c.get("facts").method === "GET" && isOwnNavigation(c)) {
    await deps.sessions.endAllOf(session.user_id);
    return signedOut(c, true);
  }
  return sendPage(
    c,
    confirmSignOutPage({
      email: session.identity.email,
      action: endpoints.logout,
      csrf: csrfValue(deps, session, purpose),
    }),
  );
}

/** `POST`: the page's button, or a terminal with its token in `cf-access-token`. */
export async function submitLogout(c: C, deps: LoginDependencies): Promise<Response> {
  const { by, session: presented } = await presentedSession(c, deps);
  if (by === "header") {
    const session = presented ?? (await terminalOnTeam(c, deps));
    if (session === undefined)
      return sendJson(c, 401, {
        error: "not signed in",
        message: "The token is not valid, or its session has ended already.",
      });
    await deps.sessions.end(session.id);
    setPrivate(c);
    return c.body(null, 204);
  }
  if (presented === undefined) return signedOut(c, false);
  const form = await readForm(c);
  if (!csrfHolds(c, deps, presented, purpose, form?.get("csrf"))) {
    return sendPage(
      c,
      startAgainPage(endpoints.logout, "The request to sign out did not come from our own page."),
    );
  }
  await deps.sessions.endAllOf(presented.user_id);
  return signedOut(c, true);
}

/**
 * A terminal whose application tokens have all run out holds its org token alone. Ending the
 * session it names gives nothing away, so here, and only here besides the exchange, that token is
 * read.
 */
async function terminalOnTeam(c: C, deps: LoginDependencies): Promise<StoredSession | undefined> {
  const { host, catalog } = c.get("facts");
  if (host !== catalog.teamHost) return undefined;
  const verified = await deps.tokens.verifyOrg(c.req.header(headers.accessToken) ?? "");
  return verified.ok && verified.session.kind === "terminal" ? verified.session : undefined;
}

function signedOut(c: C, ended: boolean): Promise<Response> {
  clearSessionCookie(c);
  return sendPage(c, signedOutPage(ended));
}

/**
 * Fetch Metadata: a page of this very host or the person's own typing, and a visit, not a picture
 * or a fetch.
 */
function isOwnNavigation(c: C): boolean {
  const site = c.req.header("sec-fetch-site");
  return (
    (site === "same-origin" || site === "none") && c.req.header("sec-fetch-mode") === "navigate"
  );
}
