// What a person has lent (wire-protocol 8): each grant with all of its limits, and the button that
// ends it.
import { endpoints } from "@postern/protocol";
import { html } from "hono/html";
import type { StandingGrant } from "../../storage/store.ts";
import { limitFacts } from "./grant-approval.ts";
import { type Html, whenSet } from "./html.ts";
import type { Page } from "./layout.ts";
import { ageWords, momentOf, plural } from "./words.ts";

/** A grant, with the name of its application. */
export interface ListedGrant extends StandingGrant {
  application: string;
}

/** What the page shows. */
export interface GrantsView {
  email: string;
  grants: readonly ListedGrant[];
  csrf: string;
  now: number;
}

/** The page "your grants". */
export function grantsPage(view: GrantsView): Page {
  const { email, grants } = view;
  return {
    status: 200,
    title: "Your grants",
    heading: "Your grants",
    body: html`<p class="lead">Programs that act as <strong>${email}</strong> within the limits that you approved.</p>
${grants.length === 0 ? noGrants : grants.map((grant) => grantEntry(grant, view))}`,
  };
}

const noGrants = html`<div class="notice"><p><strong>You have lent nothing.</strong> A grant is made with <code>postern access grant</code> and a click of yours, and stands here until it ends.</p></div>`;

function grantEntry(grant: ListedGrant, { csrf, now }: GrantsView): Html {
  const { id, application, htu, scope, uses_left, label, created_at, expires_at } = grant;
  return html`<div class="grant">
<h2 id="grant-${id}">${label === null ? application : html`<bdi>“${label}”</bdi> at ${application}`}</h2>
<dl class="facts">
<dt>Address</dt><dd>${htu}</dd>
${limitFacts(scope)}
${whenSet(uses_left ?? undefined, (left) => html`<dt>Left</dt><dd>${plural(left, "request")}</dd>`)}
<dt>Made</dt><dd>${ageWords(created_at, now)}</dd>
<dt>Ends</dt><dd>${momentOf(expires_at, now)}</dd>
<dt>ID</dt><dd><code>${id}</code></dd>
</dl>
<form method="post" action="${endpoints.grants}">
<input type="hidden" name="csrf" value="${csrf}">
<button class="danger" name="grant" value="${id}" aria-describedby="grant-${id}">End this grant</button>
</form>
</div>`;
}
