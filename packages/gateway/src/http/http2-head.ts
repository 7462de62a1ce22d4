// From the header block of a stream to the head of a request as HTTP/1.1 has it, so that everything
// behind reads, matches and sanitizes one form. nghttp2 has reset what RFC 9113 8 calls malformed:
// pseudo-header fields that are missing, doubled or late, upper-case names, fields that speak of
// the connection, lengths that are none.
import type { RequestHead } from "./transport.ts";

/** The one protocol that an extended CONNECT can go on with. Another is refused as CONNECT is. */
const websocket = "websocket";

/** The pseudo-header fields of a request (RFC 9113 8.3.1, RFC 8441 4); "" for an absent one. */
interface PseudoFields {
  ":method": string;
  ":scheme": string;
  ":authority": string;
  ":path": string;
  ":protocol": string;
}

/**
 * Reads a header block.
 * @param rawFields names and values in turn, pseudo-header fields first
 * @param isWhole whether the request ends with it
 * @param peer the other end's canonical address
 */
export function readHead(
  rawFields: readonly string[],
  isWhole: boolean,
  peer: string | undefined,
): RequestHead {
  const { pseudo, fields } = splitFields(rawFields);
  const rawHeaders = headersOf(fields, pseudo[":authority"]);
  const head = { target: targetOf(pseudo), version: "2.0", rawHeaders, peer } as const;

  // What follows the head of an extended CONNECT is the tunnel (RFC 8441).
  if (pseudo[":protocol"] === websocket) {
    rawHeaders.push("upgrade", websocket);
    return { ...head, method: "GET", upgrade: websocket };
  }
  const bodyFollows = !isWhole && !hasField(rawHeaders, "content-length");
  return { ...head, method: pseudo[":method"], upgrade: undefined, bodyFollows };
}

function splitFields(rawFields: readonly string[]): {
  pseudo: PseudoFields;
  fields: readonly string[];
} {
  const pseudo = { ":method": "", ":scheme": "", ":authority": "", ":path": "", ":protocol": "" };
  let index = 0;
  for (; rawFields[index]?.startsWith(":") === true; index += 2) {
    const name = rawFields[index] as keyof PseudoFields;
    pseudo[name] = rawFields[index + 1] ?? "";
  }
  return { pseudo, fields: rawFields.slice(index) };
}

/**
 * The header fields. `:authority` becomes `host`; a `host` that says the same is left out, and
 * another one stays, to be refused as two `Host` lines are (cases P11, H10). The fields into which
 * a client has split its cookies become one (RFC 9113 8.2.3).
 */
function headersOf(fields: readonly string[], authority: string): string[] {
  const rawHeaders = authority === "" ? [] : ["host", authority];
  const cookies: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (name === "cookie") cookies.push(value);
    else if (name !== "host" || !isSameHost(value, authority)) rawHeaders.push(name, value);
  }
  if (cookies.length > 0) rawHeaders.push("cookie", cookies.join("; "));
  return rawHeaders;
}

function isSameHost(host: string, authority: string): boolean {
  return host.toLowerCase() === authority.toLowerCase();
}

/** As HTTP/1.1 writes it: a target of neither `http` nor `https` has its scheme before it. */
function targetOf(pseudo: PseudoFields): string {
  const { ":scheme": scheme, ":authority": authority, ":path": path } = pseudo;
  if (pseudo[":method"] === "CONNECT" && path === "") return authority;
  const isOfWeb = scheme === "http" || scheme === "https";
  return isOfWeb ? path : `${scheme}://${authority}${path}`;
}

function hasField(rawHeaders: readonly string[], name: string): boolean {
  return rawHeaders.some((text, index) => index % 2 === 0 && text === name);
}
