// Step 5 of a browser's login (wire-protocol 5), on the application's host: takes the hand-over,
// once and within a minute, from the browser that began, and gives it the application's own token.
import { cookies, decodeToken, parseDuration } from "@postern/protocol";
import type { Context } from "hono";
import { cookieExpiry, setCookieLine } from "../../http/cookies.ts";
import type { Application } from "../../model/model.ts";
import type { StoredHandover, StoredSession } from "../../storage/store.ts";
import { goTo } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { sha256 } from "../hash.ts";
import { errorPage, startAgainPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { addSetCookie, cookieValuesOf, decideFor, equalSecrets } from "../session.ts";
import type { HandoverState } from "./hand-over.ts";
import { coversHost, pathOnHost } from "./login-request.ts";

type C = Context<LoginEnv>;

export async function authorized(c: C, deps: LoginDependencies): Promise<Response> {
  const facts = c.get("facts");
  const query = new URLSearchParams(facts.query);
  const nonces = query.getAll("nonce");
  const states = query.getAll("state");
  const [nonce = ""] = nonces;
  const [sealed = ""] = states;
  const state = nonces.length === 1 && states.length === 1 ? readState(c, deps, sealed) : undefined;
  if (state === undefined)
    return sendPage(
      c,
      startAgainPage(undefined, "The link is not one of ours, or was changed on its way."),
    );
  const here = `${facts.scheme}://${facts.authority}${state.redirect_url}`;

  const handover = await deps.store.handovers.take(sha256(nonce));
  const application = facts.catalog.applicationByAud.get(state.aud);
  const session =
    handover === undefined ? undefined : await deps.store.sessions.find(handover.session_id);
  if (
    handover === undefined ||
    session === undefined ||
    application === undefined ||
    !coversHost(facts.catalog, application, facts.host)
  ) {
    return sendPage(c, startAgainPage(here, "This sign-in was used already, or its time ran out."));
  }
  if (!holds(c, deps, handover, state.aud, sealed, session)) {
    deps.record({
      event: "hand_over_refused",
      ray: facts.rayId,
      ip: facts.clientIp,
      aud: state.aud,
    });
    return sendPage(
      c,
      startAgainPage(here, "This sign-in began in another browser, or its time ran out."),
    );
  }
  const decision = decideFor(deps, facts, application, session);
  if (decision.outcome !== "allow") {
    const message = `${session.identity.email} may not use ${application.name} from here. Ask the people who run it, and give them the ray ID.`;
    return sendPage(c, errorPage({ status: 403, heading: "You don't have access", message }));
  }
  setApplicationCookie(
    c,
    deps,
    application,
    session,
    parseDuration(decision.policy.session_duration ?? application.session_duration),
  );
  deps.record({
    event: "let_in",
    ray: facts.rayId,
    ip: facts.clientIp,
    aud: application.aud,
    user: session.user_id,
  });
  return goTo(c, here);
}

/**
 * Only a state that we sealed for this host, whose address still stays on it, is worth looking at.
 */
function readState(c: C, deps: LoginDependencies, sealed: string): HandoverState | undefined {
  const { scheme, authority } = c.get("facts");
  const text = deps.secretBox.open(sealed, "hand-over state");
  if (text === undefined) return undefined;
  const state = JSON.parse(text) as HandoverState;
  const path = pathOnHost(scheme, authority, state.redirect_url);
  return state.authority === authority && path !== undefined
    ? { ...state, redirect_url: path }
    : undefined;
}

/** Time, application, `state`, this browser, and a session that is still alive. */
function holds(
  c: C,
  deps: LoginDependencies,
  handover: StoredHandover,
  aud: string,
  state: string,
  session: StoredSession,
): boolean {
  const now = deps.now();
  const browser = cookieValuesOf(c, cookies.appSession).some((value) =>
    equalSecrets(sha256(value), handover.app_session_hash),
  );
  return (
    browser &&
    handover.expires_at > now &&
    handover.aud === aud &&
    equalSecrets(handover.state_hash, sha256(state)) &&
    session.revoked_at === null &&
    session.expires_at > now
  );
}

function setApplicationCookie(
  c: C,
  deps: LoginDependencies,
  application: Application,
  session: StoredSession,
  lifetimeMs: number,
): void {
  const { scheme } = c.get("facts");
  const token = deps.tokens.issueApp(session, application, lifetimeMs);
  const secure = scheme === "https";
  const attributes = {
    path: cookiePath(c, application),
    httpOnly: application.http_only_cookie_attribute,
    sameSite: sameSiteOf(application, secure),
    secure,
    // The official client believes in `Expires` alone (wire-protocol 5.5).
    expires: cookieExpiry(Number(decodeToken(token).claims["exp"]) * 1000, deps.now()),
  };
  addSetCookie(c, setCookieLine({ name: cookies.authorization, value: token }, attributes));
}

function sameSiteOf(application: Application, secure: boolean): "None" | "Lax" | "Strict" {
  switch (application.same_site_cookie_attribute) {
    case "none":
      return secure ? "None" : "Lax";
    case "lax":
      return "Lax";
    case "strict":
      return "Strict";
  }
}

/** With `path_cookie_attribute`, the application's own path on this host, cut before a wildcard. */
function cookiePath(c: C, application: Application): string {
  if (!application.path_cookie_attribute) return "/";
  const { catalog, host } = c.get("facts");
  const own = catalog.patterns.find(
    (each) => each.application === application && each.pattern.matchesHost(host),
  );
  const path = (own?.pattern.path ?? "").split("*")[0] ?? "";
  return (
    path.slice(0, own?.pattern.pathHasWildcard === true ? path.lastIndexOf("/") : undefined) || "/"
  );
}
