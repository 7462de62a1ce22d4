// The page on which a person chooses how to sign in (pages.md, "sign in"): what for, on which host,
// and the ways, of which the one that this browser used last comes first.
import { html } from "hono/html";
import { fragmentField, fragmentScript } from "../fragment.ts";
import { type Html, when, whenSet } from "./html.ts";
import { keyIcon } from "./icons.ts";
import type { Page } from "./layout.ts";

/** What the page shows. */
export interface SignInView {
  /** what one signs in to */
  name: string;
  /** the application's host; undefined for the team domain itself */
  host: string | undefined;
  /** whether a terminal asked for this sign-in */
  isForTerminal: boolean;
  /** where the forms go */
  action: string;
  /** sealed; travels with the form */
  target: string;
  ways: readonly Way[];
  /** id of the way that this browser used last */
  lastUsed: string | undefined;
  /** the email address that was sent and is not usable */
  email: EmailField | undefined;
  /** who will probably sign in, as the link says */
  emailHint: string | undefined;
}

/** One way to sign in: a button, or a field for an email address. */
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

/** The sign-in page. */
export function signInPage(view: SignInView): Page {
  const heading = `Sign in to ${view.name}`;
  return {
    status: view.email === undefined ? 200 : 400,
    title: heading,
    heading,
    leavesHost: true,
    script: view.host === undefined || view.isForTerminal ? undefined : fragmentScript,
    body: html`
<p class="lead">${purposeOf(view)}</p>
${waysOf(view)}
${when(view.ways.length === 0, noWay)}`,
  };
}

function purposeOf({ host, isForTerminal }: SignInView): Html {
  if (host === undefined) return html`You will see the applications that you can open.`;
  if (isForTerminal)
    return html`For a terminal that wants to reach <code>${host}</code>. Next, you will compare its code.`;
  return html`to continue to <code>${host}</code>`;
}

const noWay = html`<p class="error">There is no way to sign in here yet. Tell the people who run this gateway: it needs an identity provider.</p>`;

/** Buttons and email fields, each kind together: the kind that was used last comes first. */
function waysOf(view: SignInView): Html {
  const ways = [...view.ways].sort((a, b) => rankOf(view, a) - rankOf(view, b));
  const buttons = ways.filter(({ offer }) => offer === "button");
  const fields = ways.filter(({ offer }) => offer === "email");
  const hasBoth = buttons.length > 0 && fields.length > 0;
  const buttonPart = when(buttons.length > 0, buttonForm(view, buttons));
  const isEmailFirst = ways[0]?.offer === "email";
  const fieldPart = html`${fields.map((way) => emailForm(view, way, isEmailFirst))}`;
  if (isEmailFirst)
    return html`${fieldPart}${when(hasBoth, html`<p class="or">or</p>`)}${buttonPart}`;
  return html`${buttonPart}${when(hasBoth, html`<p class="or">or get a code by email</p>`)}${fieldPart}`;
}

const fragmentInput = html`<input type="hidden" name="${fragmentField}" value="">`;

/** Buttons stand before fields, and what was used last before everything else. */
function rankOf({ lastUsed }: SignInView, { id, offer }: Way): number {
  if (id === lastUsed) return 0;
  return offer === "button" ? 1 : 2;
}

function buttonForm(view: SignInView, ways: readonly Way[]): Html {
  return html`<form method="post" action="${view.action}" class="stack">
<input type="hidden" name="target" value="${view.target}">
${fragmentInput}
${ways.map((way) => wayButton(way, way.id === view.lastUsed && view.ways.length > 1))}
</form>`;
}

/** The button says the provider's name and nothing else: "Last used" stands beside it. */
function wayButton({ id, name }: Way, isLastUsed: boolean): Html {
  const described = html` aria-describedby="last-used"`;
  const button = html`<button class="way" name="provider" value="${id}"${when(isLastUsed, described)}>${keyIcon}<span>${name}</span></button>`;
  if (!isLastUsed) return button;
  return html`<div class="last-used"><span id="last-used">Last used</span>${button}</div>`;
}

/** @param isFirst whether no button stands before it */
function emailForm(
  { action, target, email, emailHint = "" }: SignInView,
  way: Way,
  isFirst: boolean,
): Html {
  const id = `email-${way.id}`;
  const invalid = html` aria-invalid="true" aria-describedby="${id}-error"`;
  const intro = html`<p class="hint">We will send you a code for this sign-in.</p>`;
  return html`<form method="post" action="${action}">
<input type="hidden" name="target" value="${target}">
${fragmentInput}
<input type="hidden" name="provider" value="${way.id}">
${when(isFirst, intro)}
<label for="${id}">Email</label>
<input id="${id}" type="email" name="email" required maxlength="254" autocomplete="email" autocapitalize="none" spellcheck="false" value="${email?.value ?? emailHint}"${when(email !== undefined, invalid)}${when(isFirst, html` autofocus`)}>
${whenSet(email, ({ error }) => html`<p class="error" id="${id}-error" role="alert">${error}</p>`)}
<button>Send me a code</button>
</form>`;
}
