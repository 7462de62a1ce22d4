// The stylesheets of a page: the one of all pages, and the organization's colours. Both stand in
// the page itself, allowed by their hashes, so that a page needs no second request.
import { createHash } from "node:crypto";
import { type LoginDesign, pageColours } from "../../model/login-design.ts";
import { stylesheet } from "./stylesheet.ts";

/** A stylesheet in a page, and the source expression that allows it (CSP Level 3, `style-src`). */
export interface Style {
  text: string;
  source: string;
}

const base = styleOf(stylesheet);

/**
 * The stylesheets of a page: the one of all pages, and the organization's colours where they are
 * colours. Those hold for the page around the card, whose own colours stay, so that no setting
 * makes a form unreadable.
 */
export function stylesFor(design: LoginDesign | undefined): Style[] {
  const colours = pageColours(design);
  if (colours === undefined) return [base];
  const { background, text } = colours;
  return [base, styleOf(`body{background:${background};--outside:${text}}`)];
}

function styleOf(text: string): Style {
  return { text, source: sourceOf(text) };
}

/** The source expression that allows exactly this stylesheet or script (CSP Level 3). */
export function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
