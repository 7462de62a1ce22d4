import { html } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Page } from "./layout.ts";

/**
 * Something went wrong: what, in plain words, and what to do next.
 * @param next where one way on leads
 */
export function errorPage(problem: {
  status: ContentfulStatusCode;
  heading: string;
  message: string;
  next?: { href: string; label: string } | undefined;
}): Page {
  const { status, heading, message, next } = problem;
  return {
    status,
    title: heading,
    heading,
    body: html`<p class="lead">${message}</p>
${next === undefined ? "" : html`<div class="stack"><a class="button" href="${next.href}">${next.label}</a></div>`}`,
    showRay: true,
  };
}

/** A broken or expired attempt: no code, but a way to begin anew. */
export function startAgainPage(href: string | undefined, message: string): Page {
  return errorPage({
    status: 400,
    heading: "Let's start again",
    message:
      href === undefined
        ? `${message} Open the application again: it brings you back here.`
        : `${message} Nothing is lost; begin anew.`,
    next: href === undefined ? undefined : { href, label: "Start again" },
  });
}
