import { html } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { LoginContext } from "../login-context.ts";
import { type Link, linkButton, whenSet } from "./html.ts";
import { type Page, sendPage } from "./layout.ts";

/**
 * Something went wrong: what, in plain words, and what to do next.
 * @param problem `next` is where one way on leads
 */
export function errorPage(problem: {
  status: ContentfulStatusCode;
  heading: string;
  message: string;
  next?: Link | undefined;
}): Page {
  const { status, heading, message, next } = problem;
  return {
    status,
    title: heading,
    heading,
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
  const heading = "Let's start again";
  if (href === undefined) {
    const advice = "Open the application again: it brings you back here.";
    return errorPage({ status: 400, heading, message: `${message} ${advice}` });
  }
  return errorPage({
    status: 400,
    heading,
    message: `${message} Nothing is lost; begin anew.`,
    next: { href, label: "Start again" },
  });
}
