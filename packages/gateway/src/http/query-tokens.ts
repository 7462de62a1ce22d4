// The gateway's own `token` arguments in a query (wire-protocol 3). Anybody can send thousands of
// arguments: what cannot be ours is passed over without decoding it, and only so many are decoded.

/** A query without the gateway's own tokens, and the token, if there was one. */
export interface TakenToken {
  rest: string;
  token: string | undefined;
}

const name = "token";
/** Every character of the name written as an escape. */
const longestName = 3 * name.length;
/** Values that look like a JWS: nobody has this many, and the gateway takes one. */
const candidateLimit = 16;
const looksLikeJws = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

/**
 * Takes the gateway's own `token` argument out of a query.
 * @param isOurs whether a value is a token of the gateway's own; asked for what looks like one
 * @returns undefined when there are two, or too many that look like one
 */
export function takeToken(
  query: string,
  isOurs: (token: string) => boolean,
): TakenToken | undefined {
  // A token starts with `{"` in base64url, unless somebody wrote it with escapes.
  if (!query.includes("eyJ") && !query.includes("%")) return { rest: query, token: undefined };
  let token: string | undefined;
  let candidates = 0;
  const rest: string[] = [];
  for (const argument of query.split("&")) {
    const value = tokenIn(argument);
    if (value !== undefined) candidates++;
    if (candidates > candidateLimit) return undefined;
    if (value === undefined || !isOurs(value)) {
      rest.push(argument);
      continue;
    }
    if (token !== undefined) return undefined;
    token = value;
  }
  return { rest: rest.join("&"), token };
}

/** What looks like a JWS in a `token` argument; undefined of every other one. */
function tokenIn(argument: string): string | undefined {
  const equals = argument.indexOf("=");
  if (equals < name.length || equals > longestName) return undefined;
  if (unescaped(argument.slice(0, equals)) !== name) return undefined;
  const value = unescaped(argument.slice(equals + 1));
  return looksLikeJws.test(value) ? value : undefined;
}

/** Tokens are ASCII: an escape stands for one character, and what is none stays as it is. */
function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%([0-7][0-9a-f])/gi, (_escape, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
