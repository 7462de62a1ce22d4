// The page on which a person approves a terminal (pages.md, wire-protocol 7). This is where a
// phisher's link would lead: the page says who asks, from where, and for what, before it offers
// anything (case C5).
import { html } from "hono/html";
import type { StoredTransfer } from "../../storage/store.ts";
import { type Html, when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";
import { codeBlock } from "./login-code.ts";

/** What the page shows. */
export interface ApprovalView {
  application: { name: string; custom_deny_url?: string };
  /** the terminal's public key */
  key: Uint8Array;
  /** whether the terminal gets the token that reaches the person's other applications */
  reachesAll: boolean;
  /** who is signed in */
  email: string;
  transfer: StoredTransfer;
  /**
   * the browser's address when the terminal asks from another network; undefined when they are one
   * place
   */
  otherAddress: string | undefined;
  /** the terminal shows no code, and this person has to say once more that it is theirs */
  needsConfirmation: boolean;
  /** the organization refuses this kind of terminal: only Deny is offered */
  isRefused: boolean;
  /** the form was sent without the confirmation */
  confirmationMissing: boolean;
  action: string;
  csrf: string;
  now: number;
}

/** The page "approve a terminal". */
export function approvalPage(view: ApprovalView): Page {
  const { application, transfer } = view;
  return {
    status: statusOf(view),
    title: "Approve sign-in from a terminal",
    heading: "Approve sign-in from a terminal",
    // A person who may not enter any more is sent to the page that the application names for that.
    leavesHost: application.custom_deny_url !== undefined,
    body: html`
<p class="lead">A terminal asks to sign in as you. ${reachOf(view)}</p>
${whenSet(view.otherAddress, (address) => addressWarning(transfer.address, address))}
${codeBlock(view.key)}
<p class="hint">${adviceOf(view)}</p>
<dl class="facts">
<dt>Application</dt><dd>${application.name}</dd>
<dt>Signed in as</dt><dd>${view.email}</dd>
<dt>Terminal</dt><dd>${transfer.address}</dd>
<dt>Client</dt><dd>${visibleText(transfer.user_agent) || "did not say"}</dd>
<dt>Asked</dt><dd>${askedAt(transfer.created_at, view.now)}</dd>
</dl>
${answerForm(view)}`,
  };
}

function statusOf({ confirmationMissing, isRefused }: ApprovalView): 200 | 400 | 403 {
  if (confirmationMissing) return 400;
  return isRefused ? 403 : 200;
}

function reachOf({ reachesAll }: ApprovalView): Html {
  if (reachesAll)
    return html`It will be able to reach <strong>all of your applications</strong> here, not only this one.`;
  return html`It will be able to reach <strong>this application</strong> as you.`;
}

function adviceOf({ needsConfirmation }: ApprovalView): string {
  if (needsConfirmation)
    return "This kind of terminal shows no code to compare. Approve only if you have just started this sign-in yourself.";
  return "Approve only if your own terminal shows exactly this code. If somebody sent you here, deny.";
}

function addressWarning(terminal: string, browser: string): Html {
  return html`<div class="warning"><p><strong>Warning: this terminal is not where you are.</strong> It asks from ${terminal};
your browser is at ${browser}. That is right if you are signing in on another machine. If not, deny.</p></div>`;
}

function answerForm(view: ApprovalView): Html {
  const { isRefused, needsConfirmation } = view;
  return html`<form method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
${when(view.confirmationMissing, html`<p class="error" role="alert">Tick the box to say that this terminal is yours, then approve.</p>`)}
${when(isRefused, html`<p class="error">Your organization refuses terminals that show no code. Sign in with a client that shows one.</p>`)}
${when(needsConfirmation && !isRefused, confirmation)}
<div class="row">${when(!isRefused, approveButton)}${denyButton}</div>
</form>`;
}

const approveButton = html`<button name="answer" value="approve">Approve</button>`;
const denyButton = html`<button class="danger" name="answer" value="deny" formnovalidate>Deny</button>`;
const confirmation = html`<p><label class="check"><input type="checkbox" name="no_code" value="yes" required>
I started this sign-in in my own terminal just now</label></p>`;

/**
 * Somebody else's text on one line: no control, no invisible and no direction-changing characters.
 */
function visibleText(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, 120);
}

/** Pages have no script, so the time stands in UTC, with its age for people elsewhere. */
function askedAt(at: number, now: number): Html {
  const time = new Date(at).toISOString();
  const minutes = Math.floor(Math.max(0, now - at) / 60_000);
  return html`<time datetime="${time}">${ageOf(minutes)} (${time.slice(11, 19)} UTC)</time>`;
}

function ageOf(minutes: number): string {
  if (minutes === 0) return "less than a minute ago";
  return minutes === 1 ? "1 minute ago" : `${minutes} minutes ago`;
}
