// Pictures in the page itself: a page loads nothing for them. Each is told by its shape, never by
// colour alone, and none says anything that the text beside it does not.
import { html, raw } from "hono/html";
import type { Html } from "./html.ts";

/** How something came out: each kind of outcome has an icon of its own. */
export type Outcome = "done" | "refused" | "failed" | "expired" | "waiting";

const outcomeShapes: Record<Outcome, string> = {
  // a tick
  done: '<path d="M5 13l4.5 4.5L19 7.5"/>',
  // a lock
  refused: '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
  // a warning sign
  failed: '<path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.1"/>',
  // a clock
  expired: '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
  // a terminal
  waiting:
    '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M7 10l2.5 2L7 14M12.5 15H17"/>',
};

/** The icon above the heading of a page. */
export function outcomeIcon(outcome: Outcome): Html {
  return html`<div class="icon ${outcome}">${svg(outcomeShapes[outcome])}</div>`;
}

/** Before the name of an identity provider. */
export const keyIcon = svg('<circle cx="8" cy="15" r="4"/><path d="M11 12l9-9M17 6l3 3"/>');

function svg(shapes: string): Html {
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${raw(shapes)}</svg>`;
}
