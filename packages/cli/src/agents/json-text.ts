// JSON with comments and trailing commas, as editors write it: they are blanked out, so that a
// parser of JSON reads the rest, and every place in the text stays where it was.

/** The text with spaces in the place of comments, and of commas that nothing follows. */
export function plainJson(text: string): string {
  const withoutComments = text.replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g,
    (match: string, string: string | undefined) => string ?? blank(match),
  );
  return withoutComments.replace(
    /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g,
    (match: string, string: string | undefined) => string ?? blank(match),
  );
}

/** Line ends stay, for messages that name a line. */
function blank(text: string): string {
  return text.replace(/[^\r\n]/g, " ");
}

/** Where an object stands in its text. */
export interface ObjectText {
  /** index of the closing brace */
  close: number;
  /** index behind its last member; undefined where it has none */
  lastEnd: number | undefined;
}

/**
 * The object that is the whole text, and the one under a key of it.
 * @param plain valid JSON, an object
 * @returns `inner` undefined where there is no such key
 */
export function lastMembers(
  plain: string,
  key: string,
): { root: ObjectText; inner: ObjectText | undefined } {
  const members = membersOf(plain, plain.indexOf("{"));
  // Of two, a parser takes the second.
  const member = members.list.findLast((each) => each.key === key);
  const inner = member === undefined ? undefined : membersOf(plain, member.start);
  return { root: members, inner };
}

interface Member {
  key: string;
  /** of its value */
  start: number;
  end: number;
}

function membersOf(plain: string, open: number): ObjectText & { list: Member[] } {
  const list: Member[] = [];
  let at = skipSpace(plain, open + 1);
  while (plain[at] === '"') {
    const keyEnd = endOfString(plain, at);
    const key = JSON.parse(plain.slice(at, keyEnd)) as string;
    const start = skipSpace(plain, skipSpace(plain, keyEnd) + 1);
    const end = endOfValue(plain, start);
    list.push({ key, start, end });
    const next = skipSpace(plain, end);
    at = plain[next] === "," ? skipSpace(plain, next + 1) : next;
  }
  return { list, close: at, lastEnd: list.at(-1)?.end };
}

function skipSpace(plain: string, from: number): number {
  const space = /\s*/y;
  space.lastIndex = from;
  space.exec(plain);
  return space.lastIndex;
}

function endOfString(plain: string, from: number): number {
  const string = /"(?:[^"\\]|\\.)*"/y;
  string.lastIndex = from;
  string.exec(plain);
  return string.lastIndex;
}

/** Brackets and braces pair, for the text is valid. */
function endOfValue(plain: string, from: number): number {
  let depth = 0;
  let at = from;
  do {
    const character = plain[at] ?? "";
    if (character === '"') at = endOfString(plain, at);
    else if ("[{".includes(character) || "]}".includes(character)) at++;
    else at = endOfToken(plain, at);
    if ("[{".includes(character)) depth++;
    if ("]}".includes(character)) depth--;
    if (depth > 0) at = skipSeparators(plain, at);
  } while (depth > 0 && at < plain.length);
  return at;
}

/** A number, `true`, `false` or `null`. */
function endOfToken(plain: string, from: number): number {
  const token = /[^\s,:[\]{}"]+/y;
  token.lastIndex = from;
  return token.exec(plain) === null ? from + 1 : token.lastIndex;
}

function skipSeparators(plain: string, from: number): number {
  const separators = /[\s,:]*/y;
  separators.lastIndex = from;
  separators.exec(plain);
  return separators.lastIndex;
}
