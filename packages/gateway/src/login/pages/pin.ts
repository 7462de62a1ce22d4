import { html } from "hono/html";
import { when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";

/** What the page shows. */
export interface PinView {
  email: string;
  /** what one signs in to */
  name: string;
  /** where the code goes */
  action: string;
  attempt: string;
  /** how long the code lives */
  minutes: number;
  /** where the code is asked for again, with what that form needs */
  resend: { action: string; target: string; provider: string };
  /** whether the mail server has just not taken messages */
  isMailInTrouble: boolean;
  /** what is wrong with the code that was typed */
  error: string | undefined;
}

/**
 * The same page whether or not the address may have a code (pages.md): it must not tell who has an
 * account.
 */
export function pinPage(view: PinView): Page {
  const hasError = view.error !== undefined;
  return {
    status: hasError ? 400 : 200,
    title: "Enter your code",
    heading: "Enter your code",
    leavesHost: true,
    body: html`
<p class="lead">If <strong>${view.email}</strong> may sign in to ${view.name}, we are sending a message with a six-digit code.
The code lives for ${view.minutes} minutes and works once, in this browser.</p>
${when(view.isMailInTrouble, mailTrouble)}
<form method="post" action="${view.action}">
<input type="hidden" name="attempt" value="${view.attempt}">
<label for="code">Code</label>
<input id="code" class="pin" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="16" spellcheck="false" autofocus${when(hasError, html` aria-invalid="true" aria-describedby="code-error"`)}>
${whenSet(view.error, (error) => html`<p class="error" id="code-error" role="alert">${error}</p>`)}
<button>Sign in</button>
</form>
<form method="post" action="${view.resend.action}" class="stack">
<input type="hidden" name="target" value="${view.resend.target}">
<input type="hidden" name="provider" value="${view.resend.provider}">
<button class="quiet" name="email" value="${view.email}">Send another code</button>
<button class="quiet" name="back" value="1">Use another address</button>
</form>
<form method="get" action="${view.action}" class="stack">
<input type="hidden" name="attempt" value="${view.attempt}">
<button class="quiet">See whether it could be sent</button>
</form>
<p class="hint">Nothing arrived? Look at the address above and into your spam folder.</p>`,
  };
}

const mailTrouble = html`<div class="warning" role="status"><p><strong>The mail server does not take our messages at the moment.</strong>
Yours may not have been sent. We try again for some minutes, while this page stays open or not. If nothing arrives by then, ask for another code,
or tell the people who run this.</p></div>`;
