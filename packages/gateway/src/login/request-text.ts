/** The body of a request as text, or why it is none. */
export type BodyText = { ok: true; text: string } | { ok: false; fault: "too_long" | "not_utf8" };

/** Reads the body of a request as text, no further than `limit` bytes. */
export async function readBodyText(request: Request, limit: number): Promise<BodyText> {
  const tooLong: BodyText = { ok: false, fault: "too_long" };
  if (Number(request.headers.get("content-length") ?? 0) > limit) return tooLong;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > limit) return tooLong;
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    return { ok: true, text };
  } catch {
    return { ok: false, fault: "not_utf8" };
  }
}

/** The same where it makes no difference why there is none. */
export async function readText(request: Request, limit: number): Promise<string | undefined> {
  const body = await readBodyText(request, limit);
  return body.ok ? body.text : undefined;
}
