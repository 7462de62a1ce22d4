// The stylesheet of all pages, and the organization's colours. Both stand in the page itself,
// allowed by their hashes, so that a page needs no second request. Classes for page authors:
// `.lead`, `.hint`, `.notice`, `.warning`, `.error`, `dl.facts`, `.code`, `.stack` (a column of
// buttons or forms), `.row` (buttons side by side), `.check` (the label around a checkbox), `.or`,
// and on buttons `.quiet` (secondary) and `.danger`.
import { createHash } from "node:crypto";
import type { Organization } from "../../model/model.ts";

const baseText = `
:root{color-scheme:light dark;--page:#f3f4f6;--outside:#3d4653;--card:#fff;--edge:#d9dde3;--text:#161b22;--soft:#525b68;--field:#fff;--field-edge:#818a97;--accent:#1f4fd8;--accent-strong:#173fb3;--on-accent:#fff;--quiet:#f3f4f6;--quiet-strong:#e6e9ee;--warn-back:#fff6dd;--warn-edge:#b98900;--warn-text:#513b00;--error-back:#fdecea;--error-edge:#c4321f;--error-text:#7a1a0d;--shadow:0 1px 2px rgb(16 24 40/.06),0 12px 32px rgb(16 24 40/.08)}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--outside:#b4bcc8;--card:#171b22;--edge:#2c333d;--text:#eef1f5;--soft:#a9b2be;--field:#0e1116;--field-edge:#6d7785;--accent:#8fb0ff;--accent-strong:#b1c8ff;--on-accent:#0a1738;--quiet:#222832;--quiet-strong:#2d3540;--warn-back:#2d2409;--warn-edge:#d3a11c;--warn-text:#f6e0a2;--error-back:#33150f;--error-edge:#e5705f;--error-text:#ffc9c0;--shadow:0 1px 2px rgb(0 0 0/.4),0 12px 32px rgb(0 0 0/.35)}}
*,::before,::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:1.25rem;padding:2rem 1rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,footer{color:var(--outside);text-align:center;max-width:28rem;overflow-wrap:anywhere}
header{font-weight:600;display:flex;flex-direction:column;align-items:center;gap:.75rem}
header p,footer p{margin:0}
header .sub{font-weight:400}
header img{display:block;max-width:14rem;max-height:4rem}
footer{font-size:.8125rem}
main{width:100%;max-width:28rem;background:var(--card);border:1px solid var(--edge);border-radius:1rem;box-shadow:var(--shadow);padding:2rem}
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.015em;font-weight:650;overflow-wrap:anywhere;text-wrap:pretty}
h2{margin:1.5rem 0 .5rem;font-size:1rem;line-height:1.4}
p{margin:0 0 1rem;overflow-wrap:anywhere;text-wrap:pretty}
main>:last-child{margin-bottom:0}
.lead,.hint{color:var(--soft)}
.hint{font-size:.875rem}
a{color:var(--accent);text-underline-offset:.15em}
form{margin:0}
label,.label{display:block;margin:0 0 .375rem;font-weight:600;font-size:.9375rem}
input:not([type=hidden]):not([type=checkbox]){width:100%;min-height:2.875rem;margin:0 0 1rem;padding:.5rem .75rem;border:1px solid var(--field-edge);border-radius:.625rem;background:var(--field);color:var(--text);font:inherit}
input[aria-invalid=true]{border-color:var(--error-edge)}
input.pin{font:1.375rem/1.3 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.3em}
button,.button{display:inline-flex;align-items:center;justify-content:center;width:100%;min-height:2.875rem;padding:.5rem 1.125rem;border:1px solid transparent;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-decoration:none;cursor:pointer;overflow-wrap:anywhere}
button:hover,.button:hover{background:var(--accent-strong)}
button.quiet,.button.quiet{background:var(--quiet);border-color:var(--edge);color:var(--text)}
button.quiet:hover,.button.quiet:hover{background:var(--quiet-strong)}
button.danger{background:transparent;border-color:var(--error-edge);color:var(--error-text)}
button.danger:hover{background:var(--error-back)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.stack{display:flex;flex-direction:column;gap:.75rem;margin:1.25rem 0}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.row>*{flex:1 1 9rem}
form .row:last-child{margin-bottom:0}
label.check{display:grid;grid-template-columns:auto 1fr;gap:.625rem;margin:0;font-weight:500}
label.check input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0;color:var(--soft);font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--edge)}
.notice,.warning,.error{margin:0 0 1rem;padding:.75rem 1rem;border:1px solid var(--edge);border-left-width:4px;border-radius:.5rem;background:var(--quiet)}
.warning{background:var(--warn-back);border-color:var(--warn-edge);color:var(--warn-text)}
.error{background:var(--error-back);border-color:var(--error-edge);color:var(--error-text)}
.notice>:last-child,.warning>:last-child,.error>:last-child{margin-bottom:0}
dl.facts{margin:1.25rem 0;display:grid;grid-template-columns:minmax(5.5rem,auto) 1fr;gap:.5rem 1rem}
dl.facts dt{color:var(--soft);font-size:.9375rem}
dl.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
.code{display:block;margin:.25rem 0 1rem;padding:.75rem;border-radius:.625rem;background:var(--quiet);border:1px solid var(--edge);text-align:center;font:600 1.75rem/1.2 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em}
.ray{margin:1.5rem 0 0;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.8125rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.95em;overflow-wrap:anywhere}
@media (max-width:30rem){body{justify-content:flex-start;padding:1.5rem .75rem}main{padding:1.5rem 1.25rem}h1{font-size:1.375rem}}
@media (prefers-reduced-motion:no-preference){button,.button{transition:background-color .12s}}
@media (forced-colors:active){main,button,.button{border:1px solid}}
`
  .trim()
  .replaceAll("\n", "");

/** A stylesheet in a page, and the source expression that allows it (CSP Level 3, `style-src`). */
export interface Style {
  text: string;
  source: string;
}

const base = styleOf(baseText);

/**
 * The stylesheets of a page: the one of all pages, and the organization's colours where they are
 * colours. Those hold for the page around the card, whose own colours stay, so that no setting
 * makes a form unreadable.
 */
export function stylesFor(design: Organization["login_design"]): Style[] {
  const background = colour(design?.background_color);
  const text = colour(design?.text_color) ?? readableOn(background);
  const rules: string[] = [];
  if (background !== undefined) rules.push(`background:${background}`);
  if (text !== undefined) rules.push(`--outside:${text}`);
  return rules.length === 0 ? [base] : [base, styleOf(`body{${rules.join(";")}}`)];
}

function styleOf(text: string): Style {
  return { text, source: sourceOf(text) };
}

/** The source expression that allows exactly this stylesheet or script (CSP Level 3). */
export function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

// What is not a plain hexadecimal colour is left out: it would stand in a stylesheet that a hash
// vouches for.
function colour(value: string | undefined): string | undefined {
  const isColour = value !== undefined && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value);
  return isColour ? value.toLowerCase() : undefined;
}

/** Black or white, whichever contrasts more (WCAG 2.2, relative luminance). */
function readableOn(background: string | undefined): string | undefined {
  if (background === undefined) return undefined;
  const digits = background.slice(1);
  const isShort = digits.length === 3;
  const hex = isShort ? digits.replace(/./g, (digit) => digit + digit) : digits;
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => linear(hex.slice(at, at + 2)));
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.179 ? "#161b22" : "#ffffff";
}

/** One colour channel of sRGB, two hexadecimal digits, as linear light. */
function linear(channel: string): number {
  const value = Number.parseInt(channel, 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
