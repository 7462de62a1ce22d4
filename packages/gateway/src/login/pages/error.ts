import { html } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { LoginContext } from "../login-context.ts";
import { type Link, linkButton, whenSet } from "./html.ts";
import type { Outcome } from "./icons.ts";
import { type Page, sendPage } from "./layout.ts";

/**
 * Something went wrong: what, in plain words, and what to do next.
 * @param problem `next` is where one way on leads; `outcome` is `failed` where it is not said
 */
export function errorPage(problem: {
  status: ContentfulStatusCode;
  heading: string;
  outcome?: Outcome;
  message: string;
  next?: Link | undefined;
}): Page {
  const { status, heading, outcome = "failed", message, next } = problem;
  return {
    status,
    title: heading,
    heading,
    outcome,
    body: html`<p class="lead">${message}</p>
${whenSet(next, linkButton)}`,
    showRay: true,
    reason: message,
  };
}

/** Answers with `startAgainPage`. */
export function sendStartAgain(
  c: LoginContext,
  href: string | undefined,
  message: string,
): Promise<Response> {
  return sendPage(c, startAgainPage(href, message));
}

/**
 * A broken or expired attempt: no code, but a way to begin anew.
 * @param href where; undefined when only the application knows
 */
export function startAgainPage(href: string | undefined, message: string): Page {
  const page = { status: 400, heading: "Please start again", outcome: "expired" } as const;
  if (href === undefined) {
    const advice = "Open the application again: it will bring you back here.";
    return errorPage({ ...page, message: `${message} ${advice}` });
  }
  return errorPage({ ...page, message, next: { href, label: "Start again" } });
}
