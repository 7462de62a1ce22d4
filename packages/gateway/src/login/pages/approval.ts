// The page on which a person approves a terminal (pages.md, wire-protocol 7). This is where a
// phisher's link would lead: the page says who asks, from where, and for what, before it offers
// anything (case C5). It is short enough for a phone to show all of it at once.
import { html } from "hono/html";
import type { StoredTransfer } from "../../storage/store.ts";
import { type Html, when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";
import { codeBlock } from "./login-code.ts";
import { ageWords, durationWords, momentOf } from "./words.ts";

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
  /** when the terminal would lose what it is given, milliseconds since the epoch */
  grantEnd: number;
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

const longestClient = 60;

/** The page "approve a terminal". */
export function approvalPage(view: ApprovalView): Page {
  return askingPage(
    view,
    { title: "Approve sign-in from a terminal", heading: "Approve sign-in from a terminal" },
    html`<dl class="facts">
<dt>Application</dt><dd>${view.application.name} <small>${reachOf(view)}</small></dd>
<dt>Signed in as</dt><dd>${view.email}</dd>
${terminalFacts(view)}
<dt>Access lasts</dt><dd>${lastsFact(view)}</dd>
</dl>`,
  );
}

/**
 * A page that asks: the code first, then what is asked for, then the buttons.
 * @param facts what the terminal would get
 */
export function askingPage(
  view: ApprovalView,
  names: Pick<Page, "title" | "heading">,
  facts: Html,
): Page {
  const { transfer } = view;
  return {
    ...names,
    status: statusOf(view),
    // A person who may not enter any more is sent to the page that the application names for that.
    leavesHost: view.application.custom_deny_url !== undefined,
    body: html`
${whenSet(view.otherAddress, (address) => addressWarning(transfer.address, address))}
${codeBlock(view.key)}
<p class="hint">${adviceOf(view)}</p>
${facts}
${answerForm(view)}`,
  };
}

/** How long the terminal would have what it is given. */
export function lastsFact({ grantEnd, now }: ApprovalView): Html {
  return html`${durationWords(grantEnd - now)} <small>· until ${momentOf(grantEnd, now)}</small>`;
}

/** Who asks, from where and since when, as a row of a list of facts. */
export function terminalFacts({ transfer, now }: ApprovalView): Html {
  const { address, created_at: since } = transfer;
  return html`<dt>Terminal</dt><dd>${address} <small>· ${clientOf(transfer)} · ${ageWords(since, now)}, ${momentOf(since, now)}</small></dd>`;
}

/** The status of a page that asks. */
function statusOf({ confirmationMissing, isRefused }: ApprovalView): 200 | 400 | 403 {
  if (confirmationMissing) return 400;
  return isRefused ? 403 : 200;
}

function reachOf({ reachesAll }: ApprovalView): Html {
  return reachesAll
    ? html`and <strong>every other application</strong> you can use here`
    : html`only this one`;
}

/** What the person is to compare before anything else. */
function adviceOf({ needsConfirmation, isRefused }: ApprovalView): Html {
  if (isRefused) return html`This terminal shows no code to compare.`;
  if (needsConfirmation)
    return html`This terminal shows no code to compare. Approve only if you started this sign-in yourself just now.`;
  return html`Approve only if your own terminal shows exactly this code. If somebody sent you this link, choose Deny.`;
}

/** The terminal asks from another network than the browser. */
function addressWarning(terminal: string, browser: string): Html {
  return html`<div class="warning"><p><strong>Warning: the terminal is elsewhere.</strong> It asks from ${terminal}; you are at ${browser}. Deny, unless you are signing in on another machine.</p></div>`;
}

/** The buttons. */
function answerForm(view: ApprovalView): Html {
  const { isRefused, needsConfirmation } = view;
  return html`<form method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="asked_at" value="${view.transfer.created_at}">
${when(view.confirmationMissing, html`<p class="error" role="alert">Tick the box to say that this terminal is yours, then approve.</p>`)}
${when(isRefused, html`<p class="error">Your organization does not allow terminals that show no code. Deny this one, and sign in with a client that shows a code.</p>`)}
${when(needsConfirmation && !isRefused, confirmation)}
<div class="row">${when(!isRefused, approveButton)}${denyButton}</div>
</form>`;
}

const approveButton = html`<button name="answer" value="approve">Approve</button>`;
const denyButton = html`<button class="danger" name="answer" value="deny" formnovalidate>Deny</button>`;
const confirmation = html`<label class="check"><input type="checkbox" name="no_code" value="yes" required>
I started this sign-in in my own terminal just now</label>`;

function clientOf({ user_agent }: StoredTransfer): string {
  return visibleText(user_agent) || "unnamed client";
}

/**
 * Somebody else's text on one line: no control, no invisible and no direction-changing characters.
 */
function visibleText(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return plain.length > longestClient ? `${plain.slice(0, longestClient - 1)}…` : plain;
}
