// Step 4 of a browser's login (wire-protocol 5): policy, and then either the page that says no or
// the one-use hand-over to the application's host.
import { endpoints } from "@postern/protocol";
import type { Context } from "hono";
import type { Application } from "../../model/model.ts";
import type { StoredSession } from "../../storage/store.ts";
import { goTo } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { sha256 } from "../hash.ts";
import { startAgainPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { noAccessPage } from "../pages/no-access.ts";
import { csrfValue, decideFor } from "../session.ts";
import { randomSecret, type SignInTarget, sealTarget } from "./attempt.ts";
import { isForTerminal } from "./login-request.ts";

const handoverLifeMs = 60_000;
export const someoneElsePurpose = "sign in as someone else";

/**
 * What the `state` argument of `authorized` holds, sealed: where to go is never taken from the
 * query.
 */
export interface HandoverState {
  aud: string;
  authority: string;
  redirect_url: string;
}

/** Takes somebody who is signed in to what they signed in for, if policy lets them. */
export async function handOver(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  target: SignInTarget,
  session: StoredSession,
): Promise<Response> {
  const facts = c.get("facts");
  const { application: place } = target;
  if (place === undefined) return goTo(c, `${facts.catalog.issuer}/`);
  // Approval evaluates policy itself, and the application's host vouches anew for the terminal's
  // request.
  if (isForTerminal(place.redirect_url))
    return goTo(c, `${facts.scheme}://${place.authority}${place.redirect_url}`);
  const application = facts.catalog.applicationByAud.get(place.aud);
  if (application === undefined || place.app_session === "") {
    return sendPage(
      c,
      startAgainPage(undefined, "The application has changed while you signed in."),
    );
  }
  const decision = decideFor(deps, facts, application, session);
  switch (decision.outcome) {
    case "allow":
      return sendToApplication(c, deps, place, session);
    case "bypass":
      return goTo(c, `${facts.scheme}://${place.authority}${place.redirect_url}`);
    case "deny":
    case "login":
      return sendNoAccess(c, deps, application, target, session);
  }
}

/** The page for a person whom policy does not let in (pages.md, "no access"). */
export async function sendNoAccess(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  application: Application,
  target: SignInTarget,
  session: StoredSession,
): Promise<Response> {
  const { rayId, clientIp } = c.get("facts");
  deps.record({
    event: "sign_in_denied",
    ray: rayId,
    ip: clientIp,
    aud: application.aud,
    user: session.user_id,
  });
  if (application.custom_deny_url !== undefined) return goTo(c, application.custom_deny_url);
  return sendPage(
    c,
    noAccessPage({
      application: application.name,
      email: session.identity.email,
      message: application.custom_deny_message,
      action: endpoints.login,
      target: sealTarget(deps, { ...target, someone_else: true }),
      csrf: csrfValue(deps, session, someoneElsePurpose),
    }),
  );
}

async function sendToApplication(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  place: NonNullable<SignInTarget["application"]>,
  session: StoredSession,
): Promise<Response> {
  const { aud, authority, redirect_url, app_session } = place;
  const nonce = randomSecret();
  const state = deps.secretBox.seal(
    JSON.stringify({ aud, authority, redirect_url } satisfies HandoverState),
    "hand-over state",
  );
  await deps.store.handovers.add({
    id: sha256(nonce),
    aud,
    session_id: session.id,
    app_session_hash: app_session,
    state_hash: sha256(state),
    expires_at: deps.now() + handoverLifeMs,
  });
  return goTo(
    c,
    `${c.get("facts").scheme}://${authority}${endpoints.authorized}?${new URLSearchParams({ nonce, state })}`,
  );
}
