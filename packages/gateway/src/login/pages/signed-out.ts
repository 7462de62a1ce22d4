import { html } from "hono/html";
import type { Page } from "./layout.ts";

/** @param ended whether there was a session to end */
export function signedOutPage(ended: boolean): Page {
  const message = ended
    ? "All your sessions have ended: on this device, on your other devices, and in your terminals."
    : "Nobody was signed in here.";
  return {
    status: 200,
    title: "You are signed out",
    heading: "You are signed out",
    outcome: "done",
    body: html`<p class="lead">${message}</p>
<p>You can close this window.</p>`,
  };
}

/** Asked where another site may have brought the browser here (case T16). */
export function confirmSignOutPage(view: { email: string; action: string; csrf: string }): Page {
  return {
    status: 200,
    title: "Sign out?",
    heading: "Sign out?",
    body: html`
<p class="lead">You are signed in as <strong>${view.email}</strong>. Signing out ends all your sessions: on this device, on your other devices, and in your terminals.</p>
<form method="post" action="${view.action}" class="stack">
<input type="hidden" name="csrf" value="${view.csrf}">
<button>Sign out</button>
</form>
<p class="hint">To stay signed in, close this window.</p>`,
  };
}
