import { endpoints } from "@postern/protocol";
import type { Clock } from "../clock.ts";
import { defined } from "../defined.ts";
import type { Application } from "../model/model.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredSession } from "../storage/store.ts";
import { hostOf } from "./application-host.ts";
import { decideFor, unjudgedPolicies } from "./decide.ts";
import { csrfValue } from "./forms.ts";
import { type LoginContext, requestFields } from "./login-context.ts";
import { mayBeFramed } from "./may-be-framed.ts";
import { sendPage } from "./pages/layout.ts";
import { noAccessPage } from "./pages/no-access.ts";
import { recordLogin } from "./record-access.ts";
import { goTo } from "./responses.ts";
import { type SignInTarget, sealTarget } from "./sign-in-target.ts";

/** The purpose of the form "Sign in as someone else". */
export const someoneElsePurpose = "sign in as someone else";

/**
 * Tells a person that policy does not let them in (pages.md, "no access").
 * @param refusal `terminal`: the one that asked waits for another person, or was told
 */
export async function sendNoAccess(
  c: LoginContext,
  parts: { secretBox: SecretBox; record: RecordEvent; now: Clock },
  refusal: {
    application: Application;
    target: SignInTarget;
    session: StoredSession;
    /** whether it was there before this sign-in */
    hasSession: boolean;
    terminal?: "waits" | "told";
  },
): Promise<Response> {
  const { application, target, session, hasSession, terminal } = refusal;
  const { facts } = c.var;
  const unjudged = unjudgedPolicies(facts, application, session);
  parts.record({
    event: "sign_in_denied",
    ...requestFields(facts),
    aud: application.aud,
    application: application.name,
    user: session.user_id,
    email: session.identity.email,
    ...defined({ unjudged_policies: unjudged.length > 0 ? unjudged : undefined }),
  });
  const decision = decideFor(facts, application, session);
  recordLogin(parts, facts, { application, session, decision, hasSession });
  if (application.custom_deny_url !== undefined) return goTo(c, application.custom_deny_url);
  const page = noAccessPage({
    application: application.name,
    host: hostOf(target.application?.authority ?? "") ?? "",
    email: session.identity.email,
    terminal,
    message: application.custom_deny_message,
    action: endpoints.login,
    target: sealTarget(parts, { ...target, someone_else: true }),
    csrf: csrfValue(parts, session, someoneElsePurpose),
  });
  return sendPage(c, { ...page, mayBeFramed: mayBeFramed(facts, target) });
}
