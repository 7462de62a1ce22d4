// The body of a request as JSON: bounded in bytes and in depth, since what is read is stored, and
// walked by programs that count no levels.
import type { ErrorName } from "./error-codes.ts";

const longestBody = 1024 * 1024;
const deepestValue = 64;

/** A body, or what is wrong with it. */
export type BodyReading =
  | { ok: true; body: unknown }
  | { ok: false; fault: ErrorName; message?: string };

/**
 * Reads it.
 * @param longest bytes
 * @returns undefined as the body where nothing is sent
 */
export async function readBody(request: Request, longest = longestBody): Promise<BodyReading> {
  const bytes = await readBytes(request, longest);
  if (bytes === undefined) {
    const message = `The body is larger than ${longest / 1024 / 1024} MiB.`;
    return { ok: false, fault: "body_too_large", message };
  }
  if (bytes.length === 0) return { ok: true, body: undefined };
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(?:;|$)/i.test(type)) return { ok: false, fault: "bad_content_type" };
  const text = textOf(bytes);
  if (text === undefined)
    return { ok: false, fault: "bad_request", message: "The body is not UTF-8." };
  if (isTooDeep(text))
    return { ok: false, fault: "bad_request", message: "The body is nested too deeply." };
  try {
    return { ok: true, body: JSON.parse(text) };
  } catch {
    return { ok: false, fault: "bad_request", message: "The body is not JSON." };
  }
}

/** @returns undefined when it is too long */
async function readBytes({ body }: Request, longest: number): Promise<Buffer | undefined> {
  if (body === null) return Buffer.alloc(0);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > longest) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** @returns undefined where it is no UTF-8: two names must not become one by what stands for it */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Looks at each character once: what is sent may be made to be read slowly. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let place = 0; place < text.length; place++) {
    const character = text[place];
    if (isInText && character === "\\") place++;
    else if (character === '"') isInText = !isInText;
    else if (!isInText) depth += depthOf(character);
    if (depth > deepestValue) return true;
  }
  return false;
}

function depthOf(character: string | undefined): number {
  if (character === "[" || character === "{") return 1;
  return character === "]" || character === "}" ? -1 : 0;
}
