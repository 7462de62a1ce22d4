// The person's answer on the approval page (wire-protocol 7). Everything that the page was shown
// for is looked at again (case C6).
import { defined } from "../../defined.ts";
import type { StoredTransfer } from "../../storage/store.ts";
import { freshStart } from "../application-host.ts";
import { type Admission, admits, decideFor } from "../decide.ts";
import { csrfHolds, readForm } from "../forms.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { sendPage } from "../pages/layout.ts";
import { brokenLinkPage, refusedPage, tooLateToEndPage } from "../pages/terminal-outcome.ts";
import { recordLogout, recordTerminalLogin } from "../record-access.ts";
import { browserSession } from "../team-session.ts";
import { refuseByPolicy } from "./approval-page.ts";
import { readTeamRequest } from "./cli-link.ts";
import { deliverGrant } from "./deliver-grant.ts";
import { deliverTokens } from "./deliver-tokens.ts";
import { grantWishOf } from "./opening.ts";
import {
  approvedTerminal,
  csrfPurpose,
  endedPage,
  showAwaitedStanding,
  showStanding,
} from "./show-standing.ts";
import { awaitStanding, refusesClient, showsNoCode, type TerminalLogin } from "./standing.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** `POST` on the team domain. */
export async function submitAnswer(c: LoginContext, parts: TerminalParts): Promise<Response> {
  const { facts } = c.var;

  // 1. The form must have stood on this session's own page.
  const reading = readTeamRequest(c);
  if (!reading.ok) return sendPage(c, brokenLinkPage(reading.message, undefined));
  const { request } = reading;
  const session = await browserSession(c, parts);
  const fields = await readForm(c);
  const purpose = csrfPurpose(request);
  const value = fields?.get("csrf");
  if (session === undefined || !csrfHolds(c, parts, { session, purpose, value })) {
    const start = freshStart(facts, request.authority, request.path);
    return sendPage(c, { ...brokenLinkPage(foreignAnswer, start), status: 403 });
  }

  // 2. Anybody may deny, and end what they approved.
  const login = { request, session };
  const answer = fields?.get("answer");
  if (answer === "deny") return deny(c, parts, login);
  if (answer === "end") return endTerminal(c, parts, login);

  // 3. Policy lets the person in, still.
  const decision = decideFor(facts, request.application, session);
  if (!admits(decision)) return refuseByPolicy(c, parts, login);
  if (answer !== "approve") return showStanding(c, parts, login, await awaitStanding(parts, login));
  return approve(c, parts, login, { admission: decision, fields });
}

async function approve(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
  { admission, fields }: { admission: Admission; fields: ReadonlyMap<string, string> | undefined },
): Promise<Response> {
  const { facts } = c.var;

  // 4. The terminal that the page named is on the line, and no later one with the same key. It is
  // of a kind that the organization takes and the person knows.
  const standing = await awaitStanding(parts, login);
  if (standing.kind !== "asking") return showStanding(c, parts, login, standing);
  const { transfer } = standing;
  if (fields?.get("asked_at") !== String(transfer.created_at))
    return showStanding(c, parts, login, standing);
  if (refusesClient(facts.catalog.organization, transfer))
    return showStanding(c, parts, login, standing);
  if (showsNoCode(transfer) && fields.get("no_code") !== "yes")
    return showStanding(c, parts, login, standing, { confirmationMissing: true });

  // 5. It gets its tokens, unless somebody else answered meanwhile.
  await deliver(c, parts, { ...login, transfer, admission });

  // 6. The page says that it worked once the terminal has them.
  return showAwaitedStanding(c, parts, login);
}

/** Tokens of a session of the terminal's own, or the grant that it asked for and nothing else. */
async function deliver(
  c: LoginContext,
  parts: TerminalParts,
  approval: TerminalLogin & { transfer: StoredTransfer; admission: Admission },
): Promise<void> {
  const { facts } = c.var;
  const { request, transfer } = approval;
  const { aud } = request.application;
  const fields = { ...requestFields(facts), terminal: transfer.address, aud };

  const wish = grantWishOf(transfer);
  if (wish !== undefined) {
    const grant = await deliverGrant(parts, facts, { ...approval, wish });
    if (grant === undefined) return;
    const { id, label } = grant;
    parts.record({
      event: "grant_approved",
      ...fields,
      grant: id,
      ...defined({ label: label ?? undefined }),
    });
    recordTerminalLogin(parts, facts, approval);
    return;
  }
  const orgToken = request.sendOrgToken;
  const isDelivered = await deliverTokens(parts, { ...approval, orgToken });
  if (!isDelivered) return;
  parts.record({ event: "terminal_approved", ...fields });
  recordTerminalLogin(parts, facts, approval);
}

async function deny(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
): Promise<Response> {
  const { mailbox, application } = login.request;
  const isDenied = await parts.mailboxes.answer(mailbox, { state: "refused" });
  if (!isDenied) return showAwaitedStanding(c, parts, login);
  const fields = requestFields(c.var.facts);
  parts.record({ event: "terminal_denied", ...fields, aud: application.aud });
  return sendPage(c, refusedPage());
}

/** Ends the session of the terminal that this browser session approved, and of no other. */
async function endTerminal(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
): Promise<Response> {
  const { mailbox, application } = login.request;
  const transfer = await parts.mailboxes.find(mailbox);
  if (transfer === undefined) return sendPage(c, tooLateToEndPage());
  const terminal = await approvedTerminal(parts, login.session, transfer);
  if (terminal === undefined) return showAwaitedStanding(c, parts, login);
  await parts.sessions.end(terminal.id);
  recordLogout(parts, c.var.facts, terminal);
  const fields = requestFields(c.var.facts);
  parts.record({ event: "terminal_ended", ...fields, aud: application.aud });
  return sendPage(c, endedPage(terminal, application.name));
}

const foreignAnswer =
  "Your answer did not come from this sign-in's own page, or you were signed out meanwhile. Nothing was changed.";
