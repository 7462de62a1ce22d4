import { endpoints } from "@postern/protocol";
import { html } from "hono/html";
import type { Html } from "./html.ts";
import type { Page } from "./layout.ts";

/** The team domain's own front page. */
export function homePage(view: { organization: string; email: string | undefined }): Page {
  const { organization, email } = view;
  const body = email === undefined ? signedOut(organization) : signedIn(email);
  return { status: 200, title: "Sign-in", heading: organization, body };
}

function signedOut(organization: string): Html {
  return html`<p class="lead">People sign in here to the applications of ${organization}. Open the application that you need: it brings you here when it has to.</p>
<div class="stack"><a class="button quiet" href="${endpoints.login}">Sign in</a></div>`;
}

function signedIn(email: string): Html {
  return html`<p class="lead">You are signed in as <strong>${email}</strong>. Open the application that you need.</p>
<div class="stack"><a class="button quiet" href="${endpoints.logout}">Sign out</a></div>`;
}
