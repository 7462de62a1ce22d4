import type { IdentityProvider } from "../../model/model.ts";
import { rememberProvider } from "../last-provider.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import type { ProvidedIdentity } from "../providers/provider.ts";
import { recordLogin } from "../record-access.ts";
import { applicationOf, type SignInTarget } from "../sign-in-target.ts";
import { rememberAddress } from "../signed-in-before.ts";
import { browserSession, startBrowserSession } from "../team-session.ts";
import { handOver } from "./hand-over.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/**
 * Somebody has proven who they are: starts their session, ends the one before it where it was
 * another person's, and leads them to what they signed in for.
 */
export async function finishSignIn(
  c: LoginContext,
  parts: SignInParts,
  proof: { target: SignInTarget; settings: IdentityProvider; person: ProvidedIdentity },
): Promise<Response> {
  const { target, settings, person } = proof;
  const { facts } = c.var;
  const before = await browserSession(c, parts);
  const identity = {
    ...person,
    idp: { id: settings.id, type: settings.type },
    ip: facts.clientIp,
    country: facts.catalog.countries.of(facts.clientIp) ?? "",
    iat: Math.floor(parts.now() / 1000),
  };
  const session = await startBrowserSession(c, parts, identity, applicationOf(facts, target));
  rememberAddress(c, parts, identity.email);
  rememberProvider(c, parts, settings.id);
  if (before !== undefined && before.user_id !== session.user_id)
    await parts.sessions.end(before.id);
  parts.record({
    event: "signed_in",
    ...requestFields(facts),
    provider: settings.id,
    user: session.user_id,
  });
  const signedIn = { session, hasSession: false };
  if (target.application === undefined)
    recordLogin(parts, facts, { ...signedIn, application: undefined, decision: undefined });
  return handOver(c, parts, target, signedIn);
}
