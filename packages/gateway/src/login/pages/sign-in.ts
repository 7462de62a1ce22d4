import { html } from "hono/html";
import type { IdentityProvider } from "../../model/model.ts";
import type { Html, Page } from "./layout.ts";

export interface SignInView {
  /** what one signs in to */
  name: string;
  /** where the forms go */
  action: string;
  /** sealed; travels with the form */
  target: string;
  providers: readonly IdentityProvider[];
  /** what the person typed, and what is wrong with it */
  email?: { value: string; error: string };
}

export function signInPage(view: SignInView): Page {
  const heading = `Sign in to ${view.name}`;
  const pins = view.providers.filter((provider) => provider.type === "onetimepin");
  const others = view.providers.filter((provider) => provider.type !== "onetimepin");
  return {
    status: view.email === undefined ? 200 : 400,
    title: heading,
    heading,
    leavesHost: true,
    body: html`
${others.length === 0 ? "" : html`<p class="lead">Choose how you want to sign in.</p>${providerForm(view, others)}`}
${others.length > 0 && pins.length > 0 ? html`<p class="or">or</p>` : ""}
${pins.map((provider) => pinForm(view, provider, others.length === 0))}
${view.providers.length === 0 ? html`<p class="error">No way to sign in is set up here. Tell the people who run this application.</p>` : ""}`,
  };
}

function providerForm(view: SignInView, providers: readonly IdentityProvider[]): Html {
  return html`<form method="post" action="${view.action}" class="stack">
<input type="hidden" name="target" value="${view.target}">
${providers.map((provider) => html`<button name="provider" value="${provider.id}">${provider.name}</button>`)}
</form>`;
}

function pinForm(view: SignInView, provider: IdentityProvider, alone: boolean): Html {
  const id = `email-${provider.id}`;
  const { email } = view;
  return html`<form method="post" action="${view.action}">
<input type="hidden" name="target" value="${view.target}">
<input type="hidden" name="provider" value="${provider.id}">
<p class="${alone ? "lead" : "hint"}">We send a one-time code to your e-mail address.</p>
<label for="${id}">Email</label>
<input id="${id}" type="email" name="email" required maxlength="254" autocomplete="email" autocapitalize="none" spellcheck="false" value="${email?.value ?? ""}"${
    email === undefined ? "" : html` aria-invalid="true" aria-describedby="${id}-error"`
  }${alone ? html` autofocus` : ""}>
${email === undefined ? "" : html`<p class="error" id="${id}-error" role="alert">${email.error}</p>`}
<button${alone ? "" : html` class="quiet"`}>Send me a code</button>
</form>`;
}
