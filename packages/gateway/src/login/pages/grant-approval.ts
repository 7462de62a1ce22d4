// The page on which a person approves a grant (wire-protocol 7 and 8): what stands here is all that
// the terminal gets. Each limit has a line of its own, and so has each limit that is missing.
import { html } from "hono/html";
import { type ApprovalView, askingPage, lastsFact, terminalFacts } from "./approval.ts";
import type { Html } from "./html.ts";
import { whenSet } from "./html.ts";
import type { Page } from "./layout.ts";
import { plural } from "./words.ts";

/** What a grant covers, and what the terminal calls it. */
export interface GrantLimits {
  methods?: readonly string[] | undefined;
  paths?: readonly string[] | undefined;
  count?: number | undefined;
  label?: string | undefined;
}

/** What the page shows. */
export interface GrantApprovalView extends ApprovalView {
  /** host, with the port that the client used */
  authority: string;
  limits: GrantLimits;
}

/** The page "approve a grant". */
export function grantApprovalPage(view: GrantApprovalView): Page {
  const { application, authority, limits } = view;
  return askingPage(
    view,
    { title: "Approve a grant", heading: "Lend a part of your access?" },
    html`<p class="lead">Whoever has this grant acts as you, within these limits and no further:</p>
<dl class="facts">
<dt>Application</dt><dd>${application.name} <small>only this one, at ${authority}</small></dd>
${limitFacts(limits)}
<dt>Lasts</dt><dd>${lastsFact(view)}</dd>
${whenSet(limits.label, labelFact)}
<dt>Signed in as</dt><dd>${view.email}</dd>
${terminalFacts(view)}
</dl>`,
  );
}

/** Methods, paths and count, as rows of a list of facts. */
export function limitFacts({ methods, paths, count }: GrantLimits): Html {
  const requests = count === undefined ? "any number" : `${plural(count, "request")} at most`;
  return html`<dt>Methods</dt><dd>${methods === undefined ? "every method" : methods.join(", ")}</dd>
<dt>${paths?.length === 1 ? "Path" : "Paths"}</dt><dd>${pathList(paths)}</dd>
<dt>Requests</dt><dd>${requests}</dd>`;
}

function pathList(paths: readonly string[] | undefined): Html {
  if (paths === undefined || paths.includes("/")) return html`every path`;
  return html`${paths.map((path) => html`<div><code>${path}</code>${belowOf(path)}</div>`)}`;
}

function belowOf(path: string): Html {
  if (path.endsWith("/*")) return html``;
  return html` <small>and below</small>`;
}

/** Nobody vouches for it: in quotation marks, and with who says so. */
function labelFact(label: string): Html {
  return html`<dt>Calls itself</dt><dd><bdi>“${label}”</bdi> <small>in the terminal's own words</small></dd>`;
}
