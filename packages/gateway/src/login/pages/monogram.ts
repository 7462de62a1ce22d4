// The mark of an organization without a logo: the first letter of its name. It stands on every page
// and in the browser's tab.
import { reservedPrefix } from "@postern/protocol";
import { html } from "hono/html";
import type { Html } from "./html.ts";

/** Where every host of the gateway serves the icon for the browser's tab. */
export const iconPath = `${reservedPrefix}icon.svg`;

/** The first letter or digit of a name as a capital; its first character where it has neither. */
export function monogramOf(name: string): string {
  const letter = /[\p{L}\p{N}]\p{M}*/u.exec(name)?.[0] ?? [...name.trim()][0] ?? "";
  // Some letters become two as a capital: a mark has room for one.
  const capital = letter.toLocaleUpperCase("en");
  return [...capital].length > [...letter].length ? letter : capital;
}

/** The mark in a page. */
export function monogram(name: string): Html {
  return html`<span class="monogram" aria-hidden="true">${monogramOf(name)}</span>`;
}

/** The icon for the browser's tab, as SVG. */
export function iconText(name: string): string {
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f4fd8"/><text x="16" y="23" text-anchor="middle" font-family="system-ui, sans-serif" font-size="20" font-weight="700" fill="#ffffff">${monogramOf(name)}</text></svg>`.toString();
}
