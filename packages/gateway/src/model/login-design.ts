// How the organization's pages look (`login_design`): which of its values pages can use, and what
// a person who writes another hears when the file is loaded. A value that cannot be used never
// makes a page unreadable: it is left out, with a warning.
import { z } from "zod";
import { defined } from "../defined.ts";
import type { Report } from "./problem.ts";

/** The fields of `login_design`. */
export const loginDesign = z
  .strictObject({
    background_color: z.string(),
    text_color: z.string(),
    logo_path: z.string(),
    header_text: z.string(),
    footer_text: z.string(),
  })
  .partial()
  .transform(defined);

/** What somebody wrote about the design of pages. */
export type LoginDesign = z.infer<typeof loginDesign>;

/** The colours of the page around the card, `#rgb` or `#rrggbb` in lower case. */
export interface PageColours {
  background: string;
  text: string;
}

/** WCAG 2.2, 1.4.3: the least contrast of text. */
const leastContrast = 4.5;
const longestLogo = 65_536;
/**
 * A name or an address. Others have characters that mean something in the `Content-Security-Policy`
 * where the logo's origin stands: URLs allow `;`, `,` and `*` in hosts.
 */
/** A host that may stand in a header: some that a URL may have would end a source expression. */
export const plainHost = /^(?:[\w.-]+|\[[\da-f:.]+\])$/;
const longestHeader = 120;
const dark = "#161b22";
const light = "#ffffff";

/**
 * The colours that pages use. Text has a colour of its own where it can be read on the background,
 * and is black or white elsewhere.
 * @returns undefined without a usable background: pages then follow each browser's wish for light
 * or dark, and one colour of text fits only one of them
 */
export function pageColours(design: LoginDesign | undefined): PageColours | undefined {
  const background = colourIn(design?.background_color);
  if (background === undefined) return undefined;
  const text = colourIn(design?.text_color);
  const isReadable = text !== undefined && contrastOf(text, background) >= leastContrast;
  return { background, text: isReadable ? text : readableOn(background) };
}

/**
 * The logo that pages show: a picture from an https address or in the setting itself (case L13).
 * @returns undefined for anything else
 */
export function pageLogo(path: string | undefined): string | undefined {
  if (path === undefined || path.length > longestLogo) return undefined;
  if (/^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i.test(path)) return path;
  if (!URL.canParse(path)) return undefined;
  const url = new URL(path);
  return url.protocol === "https:" && plainHost.test(url.hostname) ? url.href : undefined;
}

/** Warns of values that pages cannot use. */
export function checkLoginDesign(design: LoginDesign, report: Report): void {
  checkColours(design, report);
  checkLogo(design.logo_path, report);
  if ((design.header_text ?? "").length > longestHeader)
    report.warning(
      ["header_text"],
      `is longer than ${longestHeader} characters: it moves the buttons off a phone's screen; shorten it`,
    );
}

function checkColours({ background_color, text_color }: LoginDesign, report: Report): void {
  const background = colourIn(background_color);
  const text = colourIn(text_color);
  if (background_color !== undefined && background === undefined)
    report.warning(["background_color"], notAColour);
  if (text_color === undefined) return;
  if (text === undefined) {
    report.warning(["text_color"], notAColour);
    return;
  }
  if (background_color === undefined) {
    report.warning(
      ["text_color"],
      "has no effect without background_color: pages are light or dark as each browser asks; write both",
    );
    return;
  }
  if (background === undefined) return;
  const contrast = contrastOf(text, background);
  if (contrast >= leastContrast) return;
  report.warning(
    ["text_color"],
    `is hard to read on background_color (contrast ${contrast.toFixed(1)}, at least ${leastContrast} is needed): pages use ${readableOn(background)}; write a colour with more contrast`,
  );
}

const notAColour =
  'is not a colour that pages can use and is left out; write # and 3 or 6 hexadecimal digits, for example "#f4f4f0"';

function checkLogo(path: string | undefined, report: Report): void {
  if (path === undefined || pageLogo(path) !== undefined) return;
  if (path.length > longestLogo) {
    report.warning(
      ["logo_path"],
      "is longer than 64 kB and is left out; write the https:// address of the picture",
    );
    return;
  }
  report.warning(
    ["logo_path"],
    "is not a picture that pages can load and is left out; write an address that begins with https://, or data:image/png;base64,… (png, jpeg, gif, webp or svg+xml)",
  );
}

/**
 * A plain hexadecimal colour. Anything else would stand in a stylesheet that a hash vouches for.
 */
function colourIn(value: string | undefined): string | undefined {
  const isColour = value !== undefined && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value);
  return isColour ? value.toLowerCase() : undefined;
}

/** Dark or white, whichever contrasts more. */
function readableOn(background: string): string {
  return contrastOf(dark, background) > contrastOf(light, background) ? dark : light;
}

/** The contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Relative luminance, 0 to 1 (WCAG 2.2). */
function luminanceOf(colour: string): number {
  const digits = colour.slice(1);
  const hex = digits.length === 3 ? digits.replace(/./g, (digit) => digit + digit) : digits;
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => linear(hex.slice(at, at + 2)));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** One colour channel of sRGB, two hexadecimal digits, as linear light. */
function linear(channel: string): number {
  const value = Number.parseInt(channel, 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
