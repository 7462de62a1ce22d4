// What every page shares: the frame with the organization's name and design, and the headers that
// keep a page out of frames, caches and referrers.
import { html, raw } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Catalog } from "../../catalog/catalog.ts";
import { type AnswerForm, answerForm } from "../../http/answer-form.ts";
import { privateHeaders } from "../../http/private-headers.ts";
import { pageLogo } from "../../model/login-design.ts";
import type { Organization } from "../../model/model.ts";
import type { LoginContext } from "../login-context.ts";
import { recordRefusal } from "../responses.ts";
import { type Html, type Link, linkButton, whenSet } from "./html.ts";
import { type Outcome, outcomeIcon } from "./icons.ts";
import { iconPath, monogram } from "./monogram.ts";
import { type Style, sourceOf, stylesFor } from "./style.ts";
import { headingWords } from "./words.ts";

/** A page without its frame. */
export interface Page {
  status: ContentfulStatusCode;
  /** what the browser's tab says; the organization's name is added */
  title: string;
  heading: string;
  /** how something came out: the icon above the heading */
  outcome?: Outcome | undefined;
  body: Html;
  /** where something went wrong: the id under which the log has it */
  showRay?: boolean;
  /** with `showRay`: what the log says, where the heading alone is not enough */
  reason?: string;
  /**
   * a form here may end, over redirects, on another host: an identity provider or the application
   */
  leavesHost?: boolean;
  /** pages of any other site may show this one in a frame: the application wants that */
  mayBeFramed?: boolean;
  /** origins of pictures beside the logo */
  pictures?: readonly string[];
  /** a script that runs once the page is shown; nothing on the page depends on it */
  script?: string | undefined;
}

/** Answers with a page. */
export async function sendPage(c: LoginContext, page: Page): Promise<Response> {
  const { rayId, catalog, scheme } = c.var.facts;
  const { title, heading, outcome, showRay = false, leavesHost = false, script } = page;
  const { mayBeFramed, pictures } = page;
  if (showRay) recordRefusal(c, page.status, page.reason ?? heading);
  const form = showRay ? formFor(c) : "page";
  if (form !== "page") return sendPageless(c, page, form);
  const frame = frameOf(catalog.organization);
  const body = await page.body;
  const ray = showRay ? rayId : undefined;
  const text = render(frame, { title, heading, outcome, body, ray, script });
  const formTargets = leavesHost ? leavingForms(scheme, catalog) : "'self'";
  const headers = pageHeaders(frame, { formTargets, script, mayBeFramed, pictures });
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.body(text.toString(), page.status);
}

/** What went wrong, for a program: the same words and the same ray id. */
function sendPageless(
  c: LoginContext,
  { status, heading, reason }: Page,
  form: Exclude<AnswerForm, "page">,
): Response {
  const { rayId } = c.var.facts;
  const message = reason === undefined ? heading : `${heading}: ${reason}`;
  for (const [name, value] of Object.entries(privateHeaders)) c.header(name, value);
  if (form === "json")
    return c.json({ error: errorCodes[status] ?? "failed", message, ray_id: rayId }, status);
  return c.text(`${message} (ray ${rayId})\n`, status);
}

const errorCodes: Partial<Record<number, string>> = {
  400: "bad_request",
  403: "denied",
  404: "not_found",
  410: "over",
  429: "too_many",
  500: "internal",
};

function formFor(c: LoginContext): AnswerForm {
  return answerForm({
    accept: c.req.header("accept"),
    fetchMode: c.req.header("sec-fetch-mode"),
    requestedWith: c.req.header("x-requested-with"),
  });
}

/** A page of the data path, which answers without Hono. */
export function renderErrorPage(page: {
  organization: Organization;
  heading: string;
  message: string;
  /** whether somebody was kept out, and nothing broke */
  isRefusal: boolean;
  rayId: string;
  /** where one way on leads */
  next?: Link | undefined;
  mayBeFramed?: boolean;
}): { body: string; headers: Record<string, string> } {
  const { organization, heading, message, isRefusal, rayId: ray, next, mayBeFramed } = page;
  const outcome = isRefusal ? "refused" : "failed";
  const body = html`<p class="lead">${message}</p>${whenSet(next, linkButton)}`;
  const frame = frameOf(organization);
  const text = render(frame, { title: heading, heading, outcome, body, ray, script: undefined });
  const headers = pageHeaders(frame, {
    formTargets: "'self'",
    script: undefined,
    mayBeFramed,
  });
  return { body: text.toString(), headers };
}

/**
 * Where the form of a page may end that leaves this host. Chromium applies `form-action` to the
 * redirects that follow a form as well, and those may end on any host.
 */
function leavingForms(scheme: "http" | "https", catalog: Catalog): string {
  const isPlain = scheme === "http" || hasPlainProvider(catalog);
  return isPlain ? "'self' http: https:" : "'self' https:";
}

/** Whether a provider is on this machine over plain HTTP, as in development. */
function hasPlainProvider({ identityProviders }: Catalog): boolean {
  return [...identityProviders.values()].some(({ config }) => {
    const addresses = "client_id" in config ? [config.issuer, config.auth_url] : [];
    return addresses.some((address) => address?.toLowerCase().startsWith("http:") === true);
  });
}

/** What the organization's design adds to a page. */
interface Frame {
  name: string;
  styles: Style[];
  logo: string | undefined;
  header: string | undefined;
  footer: string | undefined;
}

function frameOf({ name, login_design }: Organization): Frame {
  return {
    name,
    styles: stylesFor(login_design),
    logo: pageLogo(login_design?.logo_path),
    header: login_design?.header_text,
    footer: login_design?.footer_text,
  };
}

/** What a page's headers depend on besides its frame. */
interface PageNeeds {
  formTargets: string;
  script: string | undefined;
  mayBeFramed?: boolean | undefined;
  pictures?: readonly string[] | undefined;
}

function pageHeaders({ styles, logo }: Frame, needs: PageNeeds): Record<string, string> {
  const { formTargets, script, mayBeFramed = false, pictures = [] } = needs;
  const policy = [
    "default-src 'none'",
    `style-src ${styles.map(({ source }) => source).join(" ")}`,
    `img-src ${[imageSources(logo), ...new Set(pictures)].join(" ")}`,
    `form-action ${formTargets}`,
    "base-uri 'none'",
    `frame-ancestors ${mayBeFramed ? "*" : "'none'"}`,
  ];
  if (script !== undefined) policy.push(`script-src ${sourceOf(script)}`);
  return {
    ...privateHeaders,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policy.join("; "),
    ...(mayBeFramed ? {} : { "X-Frame-Options": "DENY" }),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
}

/** The icon of the browser's tab is ours; the logo may be elsewhere. */
function imageSources(logo: string | undefined): string {
  if (logo === undefined) return "'self'";
  return logo.startsWith("data:") ? "'self' data:" : `'self' ${new URL(logo).origin}`;
}

function render(
  { name, styles, logo, header, footer }: Frame,
  page: {
    title: string;
    heading: string;
    outcome: Outcome | undefined;
    body: Html;
    ray: string | undefined;
    script: string | undefined;
  },
): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.title} · ${name}</title>
<link rel="icon" type="image/svg+xml" href="${iconPath}">
${styles.map(({ text }) => html`<style>${raw(text)}</style>`)}
</head>
<body>
<header>
${logo === undefined ? monogram(name) : html`<img src="${logo}" alt="">`}
<p>${name}</p>
${whenSet(header, (text) => html`<p class="sub">${text}</p>`)}
</header>
<main>
${whenSet(page.outcome, outcomeIcon)}
<h1>${headingWords(page.heading)}</h1>
${page.body}
${whenSet(page.ray, (ray) => html`<p class="ray">Ray ID <code>${ray}</code></p>`)}
</main>
${whenSet(footer, (text) => html`<footer><p>${text}</p></footer>`)}
${whenSet(page.script, (text) => html`<script>${raw(text)}</script>`)}
</body>
</html>
`;
}
