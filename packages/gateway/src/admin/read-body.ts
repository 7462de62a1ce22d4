// The body of a request as JSON: bounded in bytes and in depth, since what is read is stored, and
// walked by programs that count no levels.
import type { ErrorName } from "./error-codes.ts";

const longestBody = 1024 * 1024;
const deepestValue = 64;

/** A body, or what is wrong with it. */
export type BodyReading =
  | { ok: true; body: unknown }
  | { ok: false; fault: ErrorName; message?: string };

/** Reads it. @returns undefined as the body where nothing is sent */
export async function readBody(request: Request): Promise<BodyReading> {
  const text = await readText(request);
  if (text === undefined) return { ok: false, fault: "body_too_large" };
  if (text === "") return { ok: true, body: undefined };
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(?:;|$)/i.test(type)) return { ok: false, fault: "bad_content_type" };
  if (isTooDeep(text))
    return { ok: false, fault: "bad_request", message: "The body is nested too deeply." };
  try {
    return { ok: true, body: JSON.parse(text) };
  } catch {
    return { ok: false, fault: "bad_request", message: "The body is not JSON." };
  }
}

/** @returns undefined when it is too long */
async function readText({ body }: Request): Promise<string | undefined> {
  if (body === null) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > longestBody) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Brackets inside of texts count as well, which no object of ours has so many of. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const character of text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, "").match(/[[\]{}]/g) ?? []) {
    depth += character === "[" || character === "{" ? 1 : -1;
    if (depth > deepestValue) return true;
  }
  return false;
}
