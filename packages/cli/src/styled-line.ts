// A line for the person, with words that stand out where the terminal may show them so. Styles are
// data until the last moment, so that no text of others is ever taken for one (case C15).
import { printable } from "@postern/protocol/printable";

/** `qr`: black on white, whatever the theme; a scanner wants it so. */
export type Style = "bold" | "good" | "bad" | "faint" | "qr";

/** A part of a line. */
export interface Span {
  text: string;
  style?: Style;
  /** where the text leads, in terminals that have links (OSC 8) */
  link?: string;
}

/** One line; a text is one without any style. */
export type Line = string | readonly Span[];

/** What `--color` says. */
export type ColorMode = "auto" | "always" | "never";

/** What may be sent to a terminal beside the text. */
export interface Abilities {
  /** bold and colour (SGR) */
  styles: boolean;
  /** OSC 8 */
  links: boolean;
  /** a line that is drawn anew in its place */
  redraws: boolean;
}

/** Terminals that show escape sequences as text. */
const plainTerminals: ReadonlySet<string> = new Set(["", "dumb"]);
/** The console of Linux prints the address of a link. */
const withoutLinks: ReadonlySet<string> = new Set(["linux"]);

/** Where messages go. */
export interface Destination {
  environment: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  /** it is a terminal with a person before it */
  onTerminal: boolean;
}

/** What the destination can show, and may. */
export function abilitiesOf(destination: Destination, color: ColorMode): Abilities {
  const { environment, platform, onTerminal } = destination;
  const { TERM = "", NO_COLOR = "" } = environment;
  // Windows sets no TERM, and its terminals can do all of it.
  const isPlain = plainTerminals.has(TERM) && platform !== "win32";
  const isCapable = onTerminal && !isPlain;
  const byItself = color === "auto" && isCapable && NO_COLOR === "";
  const styles = color === "always" || byItself;
  return { styles, links: styles && isCapable && !withoutLinks.has(TERM), redraws: isCapable };
}

// The cube of 256 colours, which themes leave alone: 16 is black, 231 white.
const codes: Record<Style, string> = {
  bold: "1",
  good: "32",
  bad: "31",
  faint: "2",
  qr: "38;5;16;48;5;231",
};

/** The line as it is written, with control characters of its texts made visible. */
export function writtenLine(line: Line, abilities: Abilities): string {
  return spansOf(line)
    .map((span) => writtenSpan(span, abilities))
    .join("");
}

function writtenSpan({ text, style, link }: Span, { styles, links }: Abilities): string {
  const shown = printable(text);
  const styled = styles && style !== undefined ? `\x1b[${codes[style]}m${shown}\x1b[0m` : shown;
  if (!links || link === undefined) return styled;
  return `\x1b]8;;${printable(link)}\x1b\\${styled}\x1b]8;;\x1b\\`;
}

/** The words alone. */
export function plainText(line: Line): string {
  return spansOf(line)
    .map(({ text }) => text)
    .join("");
}

/** As much of the line as fits into so many columns. */
export function cutLine(line: Line, columns: number): Line {
  let left = columns;
  return spansOf(line).map((span) => {
    const text = span.text.slice(0, Math.max(0, left));
    left -= text.length;
    return { ...span, text };
  });
}

function spansOf(line: Line): readonly Span[] {
  return typeof line === "string" ? [{ text: line }] : line;
}
