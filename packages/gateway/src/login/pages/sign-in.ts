import { html } from "hono/html";
import { type Html, when, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";

/** What the page shows. */
export interface SignInView {
  /** what one signs in to */
  name: string;
  /** where the forms go */
  action: string;
  /** sealed; travels with the form */
  target: string;
  ways: readonly Way[];
  /** the e-mail address that was sent and is not usable */
  email: EmailField | undefined;
  /** who will probably sign in, as the link says */
  emailHint: string | undefined;
}

/** One way to sign in: a button, or a field for an e-mail address. */
export interface Way {
  /** of the provider */
  id: string;
  name: string;
  offer: "button" | "email";
}

/** What the person typed, and what is wrong with it. */
export interface EmailField {
  value: string;
  error: string;
}

/** The page on which a person chooses how to sign in (pages.md, "sign in"). */
export function signInPage(view: SignInView): Page {
  const heading = `Sign in to ${view.name}`;
  const buttons = view.ways.filter(({ offer }) => offer === "button");
  const fields = view.ways.filter(({ offer }) => offer === "email");
  const hasButtons = buttons.length > 0;
  return {
    status: view.email === undefined ? 200 : 400,
    title: heading,
    heading,
    leavesHost: true,
    body: html`
${when(hasButtons, html`<p class="lead">Choose how you want to sign in.</p>${buttonForm(view, buttons)}`)}
${when(hasButtons && fields.length > 0, html`<p class="or">or</p>`)}
${fields.map((way) => emailForm(view, way, !hasButtons))}
${when(view.ways.length === 0, html`<p class="error">No way to sign in is set up here. Tell the people who run this application.</p>`)}`,
  };
}

function buttonForm(view: SignInView, ways: readonly Way[]): Html {
  return html`<form method="post" action="${view.action}" class="stack">
<input type="hidden" name="target" value="${view.target}">
${ways.map(({ id, name }) => html`<button name="provider" value="${id}">${name}</button>`)}
</form>`;
}

/** @param isAlone whether there is no button beside it */
function emailForm(
  { action, target, email, emailHint = "" }: SignInView,
  way: Way,
  isAlone: boolean,
): Html {
  const id = `email-${way.id}`;
  const invalid = html` aria-invalid="true" aria-describedby="${id}-error"`;
  return html`<form method="post" action="${action}">
<input type="hidden" name="target" value="${target}">
<input type="hidden" name="provider" value="${way.id}">
<p class="${isAlone ? "lead" : "hint"}">We send a one-time code to your e-mail address.</p>
<label for="${id}">Email</label>
<input id="${id}" type="email" name="email" required maxlength="254" autocomplete="email" autocapitalize="none" spellcheck="false" value="${email?.value ?? emailHint}"${when(email !== undefined, invalid)}${when(isAlone, html` autofocus`)}>
${whenSet(email, ({ error }) => html`<p class="error" id="${id}-error" role="alert">${error}</p>`)}
<button${when(!isAlone, html` class="quiet"`)}>Send me a code</button>
</form>`;
}
