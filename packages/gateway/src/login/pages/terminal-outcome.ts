// What the browser shows when a terminal's login does not wait for an answer (pages.md): no
// terminal is there, it has its answer, or the link does not work.
import { html } from "hono/html";
import { errorPage } from "./error.ts";
import type { Page } from "./layout.ts";
import { codeBlock } from "./login-code.ts";

/**
 * No terminal is on the line. The page looks again by itself.
 * @param view `again` is its address
 */
export function absentPage(view: { application: string; key: Uint8Array; again: string }): Page {
  return {
    status: 200,
    title: "Waiting for your terminal",
    heading: "No terminal is waiting",
    body: html`
<p class="lead">The terminal that asked to reach ${view.application} is not on the line. This page looks again every few seconds.</p>
<p>If you have ended the command there, start it again: it opens a new page.</p>
${codeBlock(view.key)}
<p><a class="button quiet" href="${view.again}">Reload</a></p>`,
  };
}

/** The terminal was let in to the application. */
export function approvedPage(application: string): Page {
  return {
    status: 200,
    title: "You are signed in",
    heading: "You are signed in",
    body: html`
<p class="lead">Your terminal has been let in to ${application}.</p>
<p>You may close this window and go back to the terminal.</p>`,
  };
}

/** The person denied the terminal. */
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
export function overPage(reason: keyof typeof overText): Page {
  return {
    status: 410,
    title: "This sign-in is over",
    heading: "This sign-in is over",
    body: html`
<p class="lead">${overText[reason]}</p>
<p>Run the command in your terminal again: it opens a new page.</p>`,
    showRay: true,
    reason: overText[reason],
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
  const heading = "This link does not work";
  if (again === undefined) {
    const advice = "Run the command in your terminal again: it opens a new page.";
    return errorPage({ status: 400, heading, message: `${why} ${advice}` });
  }
  const next = { href: again, label: "Start again" };
  return errorPage({ status: 400, heading, message: why, next });
}
