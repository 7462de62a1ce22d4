// The team domain's own front page: for somebody who is signed in, the applications that they may
// open; for everybody else, the way to sign in.
import { endpoints } from "@postern/protocol";
import { html } from "hono/html";
import { type Html, when } from "./html.ts";
import type { Page } from "./layout.ts";
import { monogramOf } from "./monogram.ts";
import { plural } from "./words.ts";

/** An application that somebody may open. */
export interface OpenApplication {
  name: string;
  /** `host[/path]` as configured */
  domain: string;
  /** undefined where the domain is a pattern, which no link can stand for */
  href: string | undefined;
  /** https address of a picture */
  logo: string | undefined;
}

/** What the page shows to somebody who is signed in. */
export interface HomeView {
  organization: string;
  email: string;
  applications: readonly OpenApplication[];
  /** how many more there are than the page lists */
  unlisted: number;
  /** how many grants the person has lent */
  grants: number;
  /** by which the list can be narrowed */
  tags: readonly string[];
  /** the one by which it is */
  tag: string | undefined;
}

/** The page for somebody who is signed in. */
export function homePage(view: HomeView): Page {
  const { organization, email, applications, unlisted, grants, tags } = view;
  const more = html`<p class="hint">And ${plural(unlisted, "more application")}: open them by their addresses.</p>`;
  return {
    status: 200,
    title: "Your applications",
    heading: "Your applications",
    body: html`<p class="lead">You are signed in to ${organization} as <strong>${email}</strong>.</p>
${when(tags.length > 0, tagLinks(view))}
${applications.length === 0 ? noApplications : applicationList(applications)}
${when(unlisted > 0, more)}
${when(grants > 0, grantsLine(grants))}
<div class="stack"><a class="button quiet" href="${endpoints.logout}">Sign out</a></div>`,
    pictures: applications.flatMap(({ logo }) => (logo === undefined ? [] : new URL(logo).origin)),
  };
}

/** One link for each tag, and one for all applications. */
function tagLinks({ tags, tag }: HomeView): Html {
  const links = [undefined, ...tags].map((each) => {
    const href = each === undefined ? "/" : `/?${new URLSearchParams({ tag: each })}`;
    const text = each ?? "All";
    if (each === tag) return html`<a href="${href}" aria-current="page">${text}</a>`;
    return html`<a href="${href}">${text}</a>`;
  });
  return html`<nav class="tags" aria-label="Tags">${links}</nav>`;
}

/** The page for somebody who is not. */
export function signedOutHomePage(organization: string): Page {
  return {
    status: 200,
    title: "Sign in",
    heading: organization,
    body: html`<p class="lead">Sign in to see the applications that you can open.</p>
<div class="stack"><a class="button" href="${endpoints.login}">Sign in</a></div>`,
  };
}

function grantsLine(count: number): Html {
  return html`<p>You have lent ${plural(count, "grant")} to programs. <a href="${endpoints.grants}">See and end them</a></p>`;
}

const noApplications = html`<div class="notice"><p><strong>There is nothing here for you yet.</strong> No application lets you in at the moment.
If you expected one, ask the people who run it, or sign out and sign in with another account.</p></div>`;

function applicationList(applications: readonly OpenApplication[]): Html {
  return html`<ul class="apps">${applications.map((each) => html`<li>${applicationEntry(each)}</li>`)}</ul>`;
}

function applicationEntry({ name, domain, href, logo }: OpenApplication): Html {
  const mark =
    logo === undefined
      ? html`<span class="monogram" aria-hidden="true">${monogramOf(name)}</span>`
      : html`<img src="${logo}" alt="" loading="lazy">`;
  const text = html`${mark}<span><span class="name">${name}</span><small>${domain}</small></span>`;
  if (href === undefined) return html`<span class="app">${text}</span>`;
  return html`<a href="${href}">${text}</a>`;
}
