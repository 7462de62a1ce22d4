// What the browser shows when a terminal's login does not wait for an answer (pages.md): no
// terminal is there, it has its answer, or the link does not work.
import { endpoints } from "@postern/protocol";
import { html } from "hono/html";
import { defined } from "../../defined.ts";
import { errorPage } from "./error.ts";
import { type Html, when } from "./html.ts";
import type { Page } from "./layout.ts";
import { codeBlock } from "./login-code.ts";
import { ageWords, momentOf } from "./words.ts";

const runAgain = "Run the command in your terminal again: it opens a new page.";

/**
 * No terminal is on the line. The page looks again by itself.
 * @param view `again` is its address
 */
export function absentPage(view: { application: string; key: Uint8Array; again: string }): Page {
  return {
    status: 200,
    title: "No terminal is waiting",
    heading: "No terminal is waiting",
    outcome: "waiting",
    body: html`
<p class="lead">No terminal is asking to reach ${view.application} with this link right now. This page looks again every few seconds.</p>
<p>If the command has ended in your terminal, run it again: it opens a new page.</p>
${codeBlock(view.key)}
<p><a class="button quiet" href="${view.again}">Look again now</a></p>`,
  };
}

/**
 * The person approved, and the terminal has not taken its tokens yet. The page looks again by
 * itself.
 * @param view `again` is its address
 */
export function tellingPage(view: { application: string; again: string }): Page {
  return {
    status: 200,
    title: "Telling your terminal",
    heading: "Telling your terminal",
    outcome: "waiting",
    body: html`
<p class="lead">You approved the sign-in to ${view.application}. Your terminal has not picked up the answer yet. This page looks again every few seconds.</p>
<p>If the terminal lost its connection, it gets the answer when it is back. If the command has ended there, run it again.</p>
<p><a class="button quiet" href="${view.again}">Look again now</a></p>`,
  };
}

/** A terminal that was approved, as its page shows it. */
export interface ApprovedView {
  application: string;
  /** who approved it */
  email: string;
  /** when it was approved, when its session ends, and now: milliseconds since the epoch */
  approvedAt: number;
  grantEnd: number;
  now: number;
  /** where the form goes that ends its session, and the form's hidden value */
  action: string;
  csrf: string;
  /**
   * the terminal wants the window closed, which browsers grant only where the window has shown
   * nothing else
   */
  closeWindow: boolean;
}

/** After that time somebody who sees the page again is told when they approved, milliseconds. */
const justNowMs = 60_000;

/** The terminal has taken its tokens. */
export function approvedPage(view: ApprovedView): Page {
  const { application, email, approvedAt, grantEnd, now, closeWindow } = view;
  const isLate = now - approvedAt >= justNowMs;
  const already = html`<p>You have approved this already, ${ageWords(approvedAt, now)}.</p>`;
  return defined({
    status: 200 as const,
    title: "You are signed in",
    heading: "You are signed in",
    outcome: "done" as const,
    body: html`
<p class="lead">Your terminal can reach <strong>${application}</strong> as <strong>${email}</strong>, until ${momentOf(grantEnd, now)}.</p>
${when(isLate, already)}
<p>You can close this window and go back to the terminal.</p>
${endForm(view)}`,
    script: closeWindow ? "window.close()" : undefined,
  });
}

/** The terminal has taken its grant. */
export function grantedPage(view: ApprovedView): Page {
  const { application, email, grantEnd, now, closeWindow } = view;
  return defined({
    status: 200 as const,
    title: "The grant is made",
    heading: "The grant is made",
    outcome: "done" as const,
    body: html`
<p class="lead">Your terminal can use <strong>${application}</strong> as <strong>${email}</strong> within the limits that you approved, until ${momentOf(grantEnd, now)}.</p>
<p>You can close this window and go back to the terminal. <a href="${endpoints.grants}">Your grants</a> lists what you have lent, and ends it.</p>
${endForm(view, "End this grant")}`,
    script: closeWindow ? "window.close()" : undefined,
  });
}

function endForm({ action, csrf }: ApprovedView, label = "End this terminal's session"): Html {
  return html`<form method="post" action="${action}" class="foot">
<input type="hidden" name="csrf" value="${csrf}">
<p>Was this not you?</p>
<button class="link" name="answer" value="end">${label}</button>
</form>`;
}

/** The person ended a grant that they had approved. */
export function grantEndedPage(application: string): Page {
  return {
    status: 200,
    title: "The grant has ended",
    heading: "The grant has ended",
    outcome: "done",
    body: html`
<p class="lead">Whoever had it can no longer use it for ${application}.</p>
<p>If you did not start this, tell the people who run ${application}. You can close this window.</p>`,
  };
}

/** The person ended the session of a terminal that they had approved. */
export function terminalEndedPage(application: string): Page {
  return {
    status: 200,
    title: "The terminal is signed out",
    heading: "The terminal is signed out",
    outcome: "done",
    body: html`
<p class="lead">Its session has ended: it can no longer reach ${application} or any of your other applications.</p>
<p>To sign in there again, run the command in your terminal. If you did not start this sign-in, tell the people who run ${application}.
You can close this window.</p>`,
  };
}

/** The mailbox of the sign-in is forgotten, and with it which session came of it. */
export function tooLateToEndPage(): Page {
  return errorPage({
    status: 410,
    heading: "This page is too old",
    outcome: "expired",
    message:
      "Nothing was ended: the gateway no longer knows which terminal this page was for. Sign out to end all your sessions, terminals included.",
    next: { href: endpoints.logout, label: "Sign out" },
  });
}

/** The terminal's network began too many sign-ins, so its polls are turned away. */
export function tooManyLoginsPage(): Page {
  return errorPage({
    status: 429,
    heading: "Too many terminals are signing in",
    message:
      "More terminals began to sign in from the terminal's network than the gateway takes in ten minutes. Wait a few minutes, then run the command in your terminal again. The people who run the gateway can raise the limit (limits.terminal_logins).",
  });
}

/** The person denied the terminal. */
export function refusedPage(): Page {
  return {
    status: 200,
    title: "Sign-in refused",
    heading: "Sign-in refused",
    outcome: "refused",
    body: html`
<p class="lead">Your terminal was not signed in.</p>
<p>If you did not start this sign-in, somebody may have sent you its link: they got nothing.
If you denied it by mistake, run the command in your terminal again.</p>
<p>You can close this window.</p>`,
  };
}

/** A login that ended otherwise; the terminal knows, and starting again is done there. */
export function overPage(reason: keyof typeof overReasons): Page {
  const { heading, outcome, message } = overReasons[reason];
  return {
    status: 410,
    title: heading,
    heading,
    outcome,
    body: html`
<p class="lead">${message}</p>
<p>${runAgain}</p>`,
    showRay: true,
    reason: message,
  };
}

const over = "This sign-in is over";
const overReasons = {
  policy: {
    heading: over,
    outcome: "refused",
    message:
      "Your terminal was not signed in. The person who answered may not use the application.",
  },
  expired: {
    heading: "This sign-in has expired",
    outcome: "expired",
    message: "Your terminal was not signed in. Nobody answered within 10 minutes.",
  },
  untaken: {
    heading: "This sign-in has expired",
    outcome: "expired",
    message:
      "Your terminal was not signed in. You approved it, but it did not come back for the answer.",
  },
  address: {
    heading: over,
    outcome: "refused",
    message:
      "Your terminal was not signed in. A second machine asked for the same sign-in, so neither got it.",
  },
  altered: {
    heading: over,
    outcome: "refused",
    message:
      "Your terminal was not signed in. The link asks for something else than the terminal that it names.",
  },
  answered: {
    heading: over,
    outcome: "expired",
    message: "It has been answered already, in another browser or by somebody else.",
  },
} as const;

/** No terminal opened a mailbox with this key, or for another host. */
export function unknownAddressPage(): Page {
  return errorPage({
    status: 404,
    heading: "No terminal is known at this address",
    message: `The address was mistyped, or its sign-in is long over. ${runAgain}`,
  });
}

/** @param again where a fresh start is to be had; undefined when only the terminal can make one */
export function brokenLinkPage(why: string, again: string | undefined): Page {
  const page = { status: 400, heading: "This link does not work" } as const;
  if (again === undefined) return errorPage({ ...page, message: `${why} ${runAgain}` });
  return errorPage({ ...page, message: why, next: { href: again, label: "Start again" } });
}
