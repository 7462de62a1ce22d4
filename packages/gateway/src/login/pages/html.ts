// Pieces of pages. Templates are `hono/html`, which escapes what it is given.
import { html } from "hono/html";

/** An escaped piece of a page. */
export type Html = ReturnType<typeof html>;

/** A piece that is there under a condition. */
export function when(condition: boolean, piece: Html): Html | "" {
  return condition ? piece : "";
}

/** A piece that is drawn from a value, if there is one. */
export function whenSet<Value>(value: Value | undefined, draw: (value: Value) => Html): Html | "" {
  return value === undefined ? "" : draw(value);
}

/** A link that looks like a button: the one way on. */
export function linkButton({ href, label }: Link): Html {
  return html`<div class="stack"><a class="button" href="${href}">${label}</a></div>`;
}

/** The way to the team domain's front page, which lists what somebody may open. */
export function homeLink({ issuer }: { issuer: string }): Link {
  return { href: `${issuer}/`, label: "See your applications" };
}

/** A way on. */
export interface Link {
  href: string;
  label: string;
}
