// The pages of a terminal's login (pages.md, wire-protocol 7). The first one is where a phisher's
// link would lead: it says who asks, from where, and for what, before it offers anything (case C5).
import { loginCode } from "@postern/protocol";
import { html } from "hono/html";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import type { CliRequest } from "../terminal/cli-request.ts";
import { errorPage } from "./error.ts";
import type { Html, Page } from "./layout.ts";

export interface ApprovalView {
  request: CliRequest;
  session: StoredSession;
  transfer: StoredTransfer;
  /**
   * the browser's address when the terminal asks from another network; undefined when they are one
   * place
   */
  otherAddress: string | undefined;
  /** the terminal shows no code, and this person has to say once more that it is theirs */
  needsConfirmation: boolean;
  /** the organization refuses this kind of terminal: only Deny is offered */
  refused: boolean;
  /** the form was sent without the confirmation */
  confirmationMissing: boolean;
  action: string;
  csrf: string;
  now: number;
}

export function approvalPage(view: ApprovalView): Page {
  const { request, session, transfer } = view;
  const reach = request.sendOrgToken
    ? html`It will be able to reach <strong>all of your applications</strong> here, not only this one.`
    : html`It will be able to reach <strong>this application</strong> as you.`;
  return {
    status: view.confirmationMissing ? 400 : view.refused ? 403 : 200,
    title: "Approve sign-in from a terminal",
    heading: "Approve sign-in from a terminal",
    // A person who may not enter any more is sent to the page that the application names for that.
    leavesHost: request.application.custom_deny_url !== undefined,
    body: html`
<p class="lead">A terminal asks to sign in as you. ${reach}</p>
${addressWarning(view)}
<p class="label" id="code-label">Code</p>
<div class="code" role="group" aria-labelledby="code-label">${loginCode(request.key)}</div>
<p class="hint">${
      view.needsConfirmation
        ? "This kind of terminal shows no code to compare. Approve only if you have just started this sign-in yourself."
        : "Approve only if your own terminal shows exactly this code. If somebody sent you here, deny."
    }</p>
<dl class="facts">
<dt>Application</dt><dd>${request.application.name}</dd>
<dt>Signed in as</dt><dd>${session.identity.email}</dd>
<dt>Terminal</dt><dd>${transfer.address}</dd>
<dt>Client</dt><dd>${visibleText(transfer.user_agent) || "did not say"}</dd>
<dt>Asked</dt><dd>${askedAt(transfer.created_at, view.now)}</dd>
</dl>
${answerForm(view)}`,
  };
}

function addressWarning(view: ApprovalView): Html | "" {
  if (view.otherAddress === undefined) return "";
  return html`<div class="warning"><p><strong>Warning: this terminal is not where you are.</strong> It asks from ${view.transfer.address};
your browser is at ${view.otherAddress}. That is right if you are signing in on another machine. If not, deny.</p></div>`;
}

function answerForm(view: ApprovalView): Html {
  const deny = html`<button class="danger" name="answer" value="deny" formnovalidate>Deny</button>`;
  const approve = html`<button name="answer" value="approve">Approve</button>`;
  const confirmation = html`<p><label class="check"><input type="checkbox" name="no_code" value="yes" required>
I started this sign-in in my own terminal just now</label></p>`;
  return html`<form method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
${view.confirmationMissing ? html`<p class="error" role="alert">Tick the box to say that this terminal is yours, then approve.</p>` : ""}
${
  view.refused
    ? html`<p class="error">Your organization refuses terminals that show no code. Sign in with a client that shows one.</p>`
    : view.needsConfirmation
      ? confirmation
      : ""
}
<div class="row">${view.refused ? "" : approve}${deny}</div>
</form>`;
}

/** No terminal is on the line. The page looks again by itself. */
export function absentPage(request: CliRequest, again: string): Page {
  return {
    status: 200,
    title: "Waiting for your terminal",
    heading: "No terminal is waiting",
    body: html`
<p class="lead">The terminal that asked to reach ${request.application.name} is not on the line. This page looks again every few seconds.</p>
<p>If you have ended the command there, start it again: it opens a new page.</p>
<p class="label" id="code-label">Code</p>
<div class="code" role="group" aria-labelledby="code-label">${loginCode(request.key)}</div>
<p><a class="button quiet" href="${again}">Reload</a></p>`,
  };
}

export function approvedPage(request: CliRequest): Page {
  return {
    status: 200,
    title: "You are signed in",
    heading: "You are signed in",
    body: html`
<p class="lead">Your terminal has been let in to ${request.application.name}.</p>
<p>You may close this window and go back to the terminal.</p>`,
  };
}

export function refusedPage(): Page {
  return {
    status: 200,
    title: "Sign-in refused",
    heading: "Sign-in refused",
    body: html`
<p class="lead">The terminal was not let in, and has been told so.</p>
<p>If you did not start this sign-in, somebody may have sent you its link: nothing was given away. You may close this window.</p>`,
  };
}

/** A login that ended otherwise; the terminal knows, and starting again is done there. */
export function overPage(reason: "policy" | "expired" | "address" | "answered"): Page {
  return {
    status: 410,
    title: "This sign-in is over",
    heading: "This sign-in is over",
    body: html`
<p class="lead">${overText[reason]}</p>
<p>Run the command in your terminal again: it opens a new page.</p>`,
    showRay: true,
  };
}

const overText = {
  policy: "The person who answered it does not have access to the application.",
  expired: "It was not answered within ten minutes.",
  address: "A second machine asked for the same sign-in, so nobody was let in.",
  answered: "It has been answered already.",
} as const;

/** @param again where a fresh start is to be had; undefined when only the terminal can make one */
export function brokenLinkPage(why: string, again: string | undefined): Page {
  return errorPage({
    status: 400,
    heading: "This link does not work",
    message:
      again === undefined
        ? `${why} Run the command in your terminal again: it opens a new page.`
        : why,
    next: again === undefined ? undefined : { href: again, label: "Start again" },
  });
}

/**
 * Somebody else's text on one line: no control, no invisible and no direction-changing characters.
 */
export function visibleText(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, 120);
}

/** Pages have no script, so the time stands in UTC, with its age for people elsewhere. */
function askedAt(at: number, now: number): Html {
  const minutes = Math.floor(Math.max(0, now - at) / 60_000);
  const age =
    minutes === 0
      ? "less than a minute ago"
      : minutes === 1
        ? "1 minute ago"
        : `${minutes} minutes ago`;
  const time = new Date(at).toISOString();
  return html`<time datetime="${time}">${age} (${time.slice(11, 19)} UTC)</time>`;
}
