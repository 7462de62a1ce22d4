// What the browser shows when a terminal's login does not wait for an answer (pages.md): no
// terminal is there, it has its answer, or the link does not work.
import { html } from "hono/html";
import { defined } from "../../defined.ts";
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
    body: html`
<p class="lead">You approved the sign-in to ${view.application}. Your terminal is being told; it has not taken the answer yet.</p>
<p>Look at the terminal. If its connection was lost, it gets the answer when it is back; if you have ended the command there, run it again.</p>
<p><a class="button quiet" href="${view.again}">Look again</a></p>`,
  };
}

/**
 * The terminal has taken its tokens.
 * @param options `closeWindow`: the terminal wants the window closed, which browsers grant only
 * where the window has shown nothing else
 */
export function approvedPage(application: string, options: { closeWindow: boolean }): Page {
  const { closeWindow } = options;
  return defined({
    status: 200 as const,
    title: "You are signed in",
    heading: "You are signed in",
    body: html`
<p class="lead">Your terminal has been let in to ${application}.</p>
<p>You may close this window and go back to the terminal.</p>`,
    script: closeWindow ? "window.close()" : undefined,
  });
}

/** The terminal's network began too many sign-ins, so its polls are turned away. */
export function tooManyLoginsPage(): Page {
  return errorPage({
    status: 429,
    heading: "Too many terminals are signing in",
    message:
      "More terminals began to sign in from the terminal's network than the gateway takes in ten minutes. Wait some minutes, then run the command in your terminal again. The people who run the gateway can raise the limit (limits.terminal_logins).",
  });
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
  untaken: "You approved it, but the terminal did not come back for its answer.",
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
