// Lines of the log as words, for a person at a terminal: the time, how grave it is and what
// happened, and the fields below, wrapped to the terminal's width. What strangers wrote is quoted,
// with an escape for each character that a terminal obeys.

/** How lines are drawn. */
export interface TextStyle {
  /** columns */
  width: number;
  colour: boolean;
}

/** A line of the log, parsed. */
type Line = Readonly<Record<string, unknown>>;

/** Fields that the first line tells, or that are told by its words. */
const toldFields = new Set(["level", "time", "msg", "event", "warning"]);
const indent = 9;

/** A JSON line of the log → lines of words, the line feed included. */
export function textOfLine(json: string, style: TextStyle): string {
  const line = JSON.parse(json) as Line;
  const isList = line["event"] === "applications_listed";
  const details = isList ? applicationRows(line, style) : wrapped(fieldsOf(line), style.width);
  return [headOf(line, style), ...details.map((text) => dim(text, style)), ""].join("\n");
}

const levels: Readonly<Record<number, readonly [name: string, colour: string]>> = {
  20: ["debug", "2"],
  30: ["info ", "32"],
  40: ["warn ", "33"],
  50: ["error", "31"],
};

function headOf({ level, time, msg }: Line, style: TextStyle): string {
  const [name, colour] = levels[Number(level)] ?? ["info ", "32"];
  const clock = String(time).slice(11, 19);
  const [first = "", ...rest] = wrapWords(printable(String(msg)), style.width - indent - 6);
  const more = rest.map((text) => `\n${" ".repeat(indent + 6)}${text}`).join("");
  return `${clock} ${painted(name, colour, style)} ${first}${more}`;
}

function fieldsOf(line: Line): string[] {
  return Object.entries(line)
    .filter(([name]) => !toldFields.has(name))
    .flatMap(([name, value]) => fieldTexts(name, value));
}

/** A list has a text for each item. */
function fieldTexts(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.map((item) => `${name}: ${valueText(item)}`);
  return [`${name}: ${valueText(value)}`];
}

function valueText(value: unknown): string {
  const address = addressText(value);
  if (address !== undefined) return printable(address);
  if (typeof value !== "string") return printable(JSON.stringify(value) ?? "");
  const isQuoted = value.includes('"') || /^\s|\s$|^$/.test(value);
  return printable(isQuoted ? JSON.stringify(value) : value);
}

/** Where the gateway listens: `127.0.0.1:8600`, `unix:/run/postern.sock`. */
function addressText(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, host, port, path } = value as Line;
  if (kind === "unix") return `unix:${path}`;
  if (kind !== "tcp") return undefined;
  return String(host).includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Text whose control characters are escapes; what else terminals obey, log-output.ts escapes. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Fields side by side, as many as fit; one that does not fit a line is broken at its blanks. */
function wrapped(fields: readonly string[], width: number): string[] {
  const room = Math.max(20, width - indent);
  const rows: string[] = [];
  let row = "";
  for (const field of fields) {
    const joined = row === "" ? field : `${row}  ${field}`;
    if (joined.length <= room) {
      row = joined;
      continue;
    }
    if (row !== "") rows.push(row);
    const parts = wrapWords(field, room);
    rows.push(...parts.slice(0, -1));
    row = parts.at(-1) ?? "";
  }
  if (row !== "") rows.push(row);
  return rows.map((text) => " ".repeat(indent) + text);
}

function wrapWords(text: string, room: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(" ")) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room)
      rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows;
}

interface ApplicationRow {
  name: string;
  url: string;
  origin: string;
  aud: string;
}

const widestName = 24;

/** Two rows for each application: the AUD alone has 64 characters. */
function applicationRows({ applications, more }: Line, { width }: TextStyle): string[] {
  const list = applications as ApplicationRow[];
  const names = list.map(({ name }) => cut(printable(name), widestName));
  const widest = Math.max(0, ...names.map((name) => name.length));
  const rows = list.flatMap(({ url, origin, aud }, index) => {
    const start = `  ${(names[index] ?? "").padEnd(widest)}  ${printable(url)}`;
    const end = `→ ${printable(origin)}`;
    const whole = `${start} ${end}`;
    const first = whole.length <= width ? [whole] : [start, `    ${end}`];
    return [...first, `    AUD ${aud}`];
  });
  return typeof more === "number" ? [...rows, `  … and ${more} more`] : rows;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function dim(text: string, style: TextStyle): string {
  return painted(text, "2", style);
}

function painted(text: string, code: string, { colour }: TextStyle): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}
