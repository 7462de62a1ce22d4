// The page on which the code from the mail is typed (pages.md, "PIN"). It is the same whether or
// not the address may have a code: it must not tell who has an account.
import { html } from "hono/html";
import { type Html, when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";
import { plural } from "./words.ts";

/** What the page shows. */
export interface PinView {
  email: string;
  /** what one signs in to */
  name: string;
  /** where the code goes */
  action: string;
  attempt: string;
  /** how long the code is valid */
  minutes: number;
  /** whether this code was asked for in place of another */
  isAnother: boolean;
  /** where the code is asked for again, with what that form needs */
  resend: { action: string; target: string; provider: string };
  /** whether the mail server has just not taken messages */
  isMailInTrouble: boolean;
  /** whether the person asked if mail goes out */
  asksForDelivery: boolean;
  /** what is wrong with the code that was typed */
  error: string | undefined;
}

/** The page "PIN". */
export function pinPage(view: PinView): Page {
  const hasError = view.error !== undefined;
  return {
    status: hasError ? 400 : 200,
    title: "Enter your code",
    heading: "Enter your code",
    leavesHost: true,
    body: html`
${noticeOf(view)}
<p class="lead">If <strong>${view.email}</strong> may sign in to ${view.name}, we've sent it a six-digit code.
It is valid for ${plural(view.minutes, "minute")}, works once, and only in this browser.</p>
<form method="post" action="${view.action}">
<input type="hidden" name="attempt" value="${view.attempt}">
<label for="code">Code</label>
<input id="code" class="pin" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="16" spellcheck="false" autofocus${when(hasError, html` aria-invalid="true" aria-describedby="code-error"`)}>
${whenSet(view.error, (error) => html`<p class="error" id="code-error" role="alert">${error}</p>`)}
<button>Sign in</button>
</form>
<form method="post" action="${view.resend.action}" class="links">
<input type="hidden" name="target" value="${view.resend.target}">
<input type="hidden" name="provider" value="${view.resend.provider}">
<input type="hidden" name="another" value="1">
<button class="link" name="email" value="${view.email}">Send another code</button>
<button class="link" name="back" value="1">Use another address</button>
</form>
<div class="foot">
<p>Nothing arrived? Check the address above and your spam folder.</p>
<form method="get" action="${view.action}">
<input type="hidden" name="attempt" value="${view.attempt}">
<button class="link" name="delivery" value="1">Check whether mail is going out</button>
</form>
</div>`,
  };
}

/** What has just happened. It is said of the mail server, never of one address. */
function noticeOf(view: PinView): Html | "" {
  if (view.isMailInTrouble) return mailTrouble;
  if (view.asksForDelivery) return mailGoesOut;
  return when(view.isAnother && view.error === undefined, anotherCode);
}

const anotherCode = html`<div class="notice" role="status"><p><strong>We have made another code.</strong> Use the newest one: earlier codes do not work on this page.</p></div>`;

const mailGoesOut = html`<div class="notice" role="status"><p><strong>The mail server is taking our messages.</strong> If nothing arrives within a minute or two,
look in your spam folder, or ask the people who run this gateway whether you have access.</p></div>`;

const mailTrouble = html`<div class="warning" role="status"><p><strong>The mail server is not taking our messages at the moment.</strong>
Your code may not have been sent. We will try again for some minutes, whether or not this page stays open. If nothing arrives by then, ask for another code,
or tell the people who run this gateway.</p></div>`;
