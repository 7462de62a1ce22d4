// What every page shares: the frame with the organization's name and design, and the headers that
// keep a page out of frames, caches and referrers. Page bodies are `hono/html` templates, which
// escape what they are given.
import { createHash } from "node:crypto";
import type { Context } from "hono";
import { html, raw } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { privateHeaders } from "../../http/private-headers.ts";
import type { Organization } from "../../model/model.ts";
import type { LoginEnv } from "../dependencies.ts";
import { stylesheet } from "./style.ts";

/** An escaped piece of a page. */
export type Html = ReturnType<typeof html>;

export interface Page {
  status: ContentfulStatusCode;
  /** what the browser's tab says; the organization's name is added */
  title: string;
  heading: string;
  body: Html;
  /** the request's own ray id is the default */
  rayId?: string;
  /** where something went wrong: the id under which the log has it */
  showRay?: boolean;
  /**
   * a form here may end, over redirects, on another host: an identity provider or the application
   */
  leavesHost?: boolean;
}

/** Answers with a page. */
export async function sendPage(c: Context<LoginEnv>, page: Page): Promise<Response> {
  const { rayId, catalog, scheme } = c.get("facts");
  const { organization } = catalog;
  const ray = page.showRay === true ? (page.rayId ?? rayId) : undefined;
  const text = await render(organization, { ...page, body: await page.body }, ray);
  for (const [name, value] of Object.entries(
    pageHeaders(organization, page.leavesHost === true ? scheme : undefined),
  ))
    c.header(name, value);
  return c.body(text.toString(), page.status);
}

/** A page of the data path, which answers without Hono. */
export function renderErrorPage(page: {
  organization: Organization;
  heading: string;
  message: string;
  rayId: string;
  /** where one way on leads */
  next?: { href: string; label: string } | undefined;
}): { body: string; headers: Record<string, string> } {
  const { organization, heading, message, rayId, next } = page;
  const way =
    next === undefined
      ? ""
      : html`<div class="stack"><a class="button" href="${next.href}">${next.label}</a></div>`;
  const body = render(
    organization,
    { title: heading, heading, body: html`<p class="lead">${message}</p>${way}` },
    rayId,
  ).toString();
  return { body, headers: pageHeaders(organization, undefined) };
}

function pageHeaders(
  organization: Organization,
  leavesOver: "http" | "https" | undefined,
): Record<string, string> {
  const { styleHash, logo } = frameOf(organization);
  const image =
    logo === undefined ? "'none'" : logo.startsWith("data:") ? "data:" : new URL(logo).origin;
  // Chromium applies form-action to the redirects that follow a form as well, and those may end on
  // any host.
  const targets =
    leavesOver === undefined
      ? "'self'"
      : leavesOver === "https"
        ? "'self' https:"
        : "'self' http: https:";
  return {
    ...privateHeaders,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": `default-src 'none'; style-src ${styleHash}; img-src ${image}; form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
}

interface Frame {
  style: string;
  styleHash: string;
  logo: string | undefined;
}

// An organization is replaced as a whole when the configuration changes, so the object itself is
// the key.
const frames = new WeakMap<Organization, Frame>();

function frameOf(organization: Organization): Frame {
  const known = frames.get(organization);
  if (known !== undefined) return known;
  const style = stylesheet(organization.login_design);
  const styleHash = `'sha256-${createHash("sha256").update(style).digest("base64")}'`;
  const frame = { style, styleHash, logo: usableLogo(organization.login_design?.logo_path) };
  frames.set(organization, frame);
  return frame;
}

/**
 * A logo is a picture from an https address or in the setting itself; anything else is left out
 * (case L13).
 */
function usableLogo(path: string | undefined): string | undefined {
  if (path === undefined || path.length > 65_536) return undefined;
  if (/^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i.test(path)) return path;
  return URL.canParse(path) && new URL(path).protocol === "https:" ? new URL(path).href : undefined;
}

function render(
  organization: Organization,
  page: { title: string; heading: string; body: Html },
  ray: string | undefined,
): Html {
  const { style, logo } = frameOf(organization);
  const { header_text, footer_text } = organization.login_design ?? {};
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.title} · ${organization.name}</title>
<style>${raw(style)}</style>
</head>
<body>
<header>
${logo === undefined ? "" : html`<img src="${logo}" alt="">`}
<p>${organization.name}</p>
${header_text === undefined ? "" : html`<p class="sub">${header_text}</p>`}
</header>
<main>
<h1>${page.heading}</h1>
${page.body}
${ray === undefined ? "" : html`<p class="ray">Ray ID <code>${ray}</code></p>`}
</main>
${footer_text === undefined ? "" : html`<footer><p>${footer_text}</p></footer>`}
</body>
</html>
`;
}
