// `/cdn-cgi/access/grants`: what a person has lent, and its end (wire-protocol 8). On the team
// domain all of it, on an application's host what is for the applications there. A terminal asks
// with its own application token; a grant itself is answered nothing, and can end itself alone.
import { endpoints, headers } from "@postern/protocol";
import type { Clock } from "../../clock.ts";
import { defined } from "../../defined.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { StandingGrant, Store, StoredSession } from "../../storage/store.ts";
import type { PossessionFault } from "../../tokens/possession.ts";
import type { Sessions, Tokens } from "../../tokens/tokens.ts";
import { coversHost } from "../application-host.ts";
import { refuseUnproven } from "../demanded-proof.ts";
import { csrfHolds, csrfValue, readForm } from "../forms.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { errorPage, sendStartAgain } from "../pages/error.ts";
import { grantsPage } from "../pages/grants.ts";
import { sendPage } from "../pages/layout.ts";
import { goTo, refuseJson, sendEmpty, sendJson } from "../responses.ts";
import { applicationOf, presentedSession } from "../sign-in/application-session.ts";

/** What the list is made from. */
export interface GrantsParts {
  store: Pick<Store, "grants">;
  tokens: Tokens;
  sessions: Sessions;
  secretBox: SecretBox;
  record: RecordEvent;
  now: Clock;
}

/** What is written down of a grant that ends. */
interface EndedGrant {
  id: string;
  aud: string;
  session_id: string;
  label?: string | null | undefined;
}

const purpose = "grants";

/** `GET`: JSON for a terminal's token, a page for the person's cookie. */
export async function listGrants(c: LoginContext, parts: GrantsParts): Promise<Response> {
  const { by, session, unproven } = await presentedSession(c, parts);
  if (by === "header" && session === undefined) return refuseToken(c, unproven);
  if (session === undefined) return sendPage(c, notSignedInPage(c));
  const grants = await grantsHere(c, parts, session);
  if (by === "header") return sendJson(c, 200, { grants: grants.map((each) => describe(c, each)) });
  const page = grantsPage({
    email: session.identity.email,
    grants: grants.map((grant) => ({ ...grant, application: nameOf(c, grant) })),
    csrf: csrfValue(parts, session, purpose),
    now: parts.now(),
  });
  return sendPage(c, page);
}

/** `DELETE …/<id>`, for a terminal's token, and for the grant's own. */
export async function deleteGrant(c: LoginContext, parts: GrantsParts): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const own = await presentedGrant(c, parts);
  if (own?.id === id) {
    await endStored(c, parts, own);
    return sendEmpty(c, 204);
  }
  const { by, session, unproven } = await presentedSession(c, parts);
  if (by !== "header" || session === undefined) return refuseToken(c, unproven);
  if (await endGrant(c, parts, session, id)) return sendEmpty(c, 204);
  const message = "you have no such grant here, or it has ended already";
  return refuseJson(c, 404, { error: "unknown_grant", message }, message);
}

/** `POST`: the button of the page. */
export async function submitGrants(c: LoginContext, parts: GrantsParts): Promise<Response> {
  const { by, session } = await presentedSession(c, parts);
  if (by === "header") return refuseToken(c);
  if (session === undefined) return sendPage(c, notSignedInPage(c));
  const fields = await readForm(c);
  if (!csrfHolds(c, parts, { session, purpose, value: fields?.get("csrf") })) {
    const message = "The request did not come from a page of this gateway. No grant was ended.";
    return sendStartAgain(c, endpoints.grants, message);
  }
  await endGrant(c, parts, session, fields?.get("grant") ?? "");
  return goTo(c, endpoints.grants);
}

/**
 * The grant whose token comes along. It may end itself without a proof, as a session may: one that
 * got about is to be ended by whoever can.
 */
async function presentedGrant(
  c: LoginContext,
  { tokens }: GrantsParts,
): Promise<EndedGrant | undefined> {
  const token = c.req.header(headers.accessToken) ?? "";
  const application = applicationOf(c, token);
  if (application === undefined) return undefined;
  const { aud } = application;
  const verification = await tokens.verifyGrant(token, aud);
  if (!verification.ok || verification.grant === undefined) return undefined;
  const { id, label } = verification.grant;
  return { id, aud, label, session_id: verification.session.id };
}

/** @returns false when the person has no such grant here */
async function endGrant(
  c: LoginContext,
  parts: GrantsParts,
  session: StoredSession,
  id: string,
): Promise<boolean> {
  const grants = await grantsHere(c, parts, session);
  const grant = grants.find((each) => each.id === id);
  if (grant === undefined) return false;
  await endStored(c, parts, grant);
  return true;
}

async function endStored(
  c: LoginContext,
  { sessions, record }: GrantsParts,
  { id, aud, session_id, label }: EndedGrant,
): Promise<void> {
  await sessions.end(session_id);
  const fields = { ...requestFields(c.var.facts), aud, grant: id };
  record({ event: "grant_ended", ...fields, ...defined({ label: label ?? undefined }) });
}

/** Those of the person that are for an application of this host; on the team domain, all. */
async function grantsHere(
  c: LoginContext,
  { store, now }: GrantsParts,
  session: StoredSession,
): Promise<StandingGrant[]> {
  const { catalog, host } = c.var.facts;
  const grants = await store.grants.ofUser(session.user_id, now());
  if (host === catalog.teamHost) return grants;
  return grants.filter(({ aud }) => {
    const application = catalog.applicationByAud.get(aud);
    return application !== undefined && coversHost(catalog, application, host);
  });
}

function describe(c: LoginContext, grant: StandingGrant) {
  const { id, aud, htu, scope, uses_left, label, created_at, expires_at } = grant;
  return {
    id,
    application: nameOf(c, grant),
    aud,
    url: htu,
    ...scope,
    ...defined({ uses_left: uses_left ?? undefined, label: label ?? undefined }),
    created_at: new Date(created_at).toISOString(),
    expires_at: new Date(expires_at).toISOString(),
  };
}

/** The name of its application; its address for one that is not there any more. */
function nameOf(c: LoginContext, { aud, htu }: StandingGrant): string {
  return c.var.facts.catalog.applicationByAud.get(aud)?.name ?? htu;
}

function refuseToken(c: LoginContext, unproven?: PossessionFault): Response {
  if (unproven !== undefined) return refuseUnproven(c, unproven);
  const message = "send the token that your terminal has for an application of this host";
  return refuseJson(c, 401, { error: "bad_token", message }, message);
}

function notSignedInPage(c: LoginContext) {
  return errorPage({
    status: 401,
    heading: "You are not signed in",
    message: "Sign in to see what you have lent.",
    next: { href: `${c.var.facts.catalog.issuer}${endpoints.login}`, label: "Sign in" },
  });
}
