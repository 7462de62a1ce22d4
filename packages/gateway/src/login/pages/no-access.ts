import { html } from "hono/html";
import { when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";

/** What the page shows. */
export interface NoAccessView {
  application: string;
  /** the application's host */
  host: string;
  email: string;
  /** of the terminal that asked, if one did: whether it has no answer yet */
  terminal: "waits" | "told" | undefined;
  /** the application's own words (`custom_deny_message`) */
  message: string | undefined;
  action: string;
  target: string;
  csrf: string;
}

/**
 * The page for a person whom policy does not let in. The reason stays general: which rule was
 * missed is the administrators' business (wire-protocol 5.4).
 */
export function noAccessPage(view: NoAccessView): Page {
  return {
    status: 403,
    title: "You don't have access",
    heading: "You don't have access",
    outcome: "refused",
    leavesHost: true,
    showRay: true,
    body: html`
<p class="lead">You are signed in, but you may not use this application.</p>
${whenSet(view.message, (message) => html`<div class="notice"><p>${message}</p></div>`)}
<dl class="facts">
<dt>Application</dt><dd>${view.application} <small>${view.host}</small></dd>
<dt>Signed in as</dt><dd>${view.email}</dd>
</dl>
<p>If you should have access, ask the people who run ${view.application} and give them the ray ID.
If you have another account, sign in with that one.</p>
${when(view.terminal === "waits", waitingWords)}
${when(view.terminal === "told", toldWords)}
<form method="post" action="${view.action}" class="stack">
<input type="hidden" name="target" value="${view.target}">
<input type="hidden" name="csrf" value="${view.csrf}">
<button class="quiet" name="someone_else" value="1">Sign in as someone else</button>
</form>`,
  };
}

// The official client does not learn who looks at its page, so it is left waiting.
const waitingWords = html`<p>Your terminal is still waiting. Press Ctrl-C there to end it, or sign in as someone else.</p>`;

const toldWords = html`<p>Your terminal was told, and has stopped waiting. To use another account, sign in as someone else and run the command there again.</p>`;
