// Forms of the gateway's own pages: how they are read, and how a form that changes something proves
// that it stood on a page of this session.

import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredSession } from "../storage/store.ts";
import { isFromOtherOrigin, isSameOrigin } from "./fetch-metadata.ts";
import type { LoginContext } from "./login-context.ts";
import { readText } from "./request-text.ts";
import { equalSecrets } from "./secret-values.ts";

const formLimit = 64 * 1024;
/** Fields of a form, at most. None of ours has half as many. */
const fieldLimit = 100;

/**
 * The fields of a form.
 * @returns undefined when it is no form, too long, not UTF-8, has too many fields or one twice, or
 * comes from another site's page
 */
export async function readForm(c: LoginContext): Promise<Map<string, string> | undefined> {
  if (isFromOtherOrigin(c)) return undefined;
  const [type = ""] = (c.req.header("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") return undefined;
  const text = await readText(c.req.raw, formLimit);
  return text === undefined ? undefined : fieldsOf(text);
}

/**
 * The fields of a form, by name.
 * @returns undefined when there are too many, or two of one name
 */
export function fieldsOf(text: string): Map<string, string> | undefined {
  // Node looks for `=` up to the end of the text for each field that has none: a form of nothing
  // else takes a time with the square of its length.
  if (text.split("&", fieldLimit + 1).length > fieldLimit) return undefined;
  const pairs = [...new URLSearchParams(text)];
  const fields = new Map(pairs);
  return fields.size === pairs.length ? fields : undefined;
}

/** The hidden value of a form that changes something. It holds for one session and one purpose. */
export function csrfValue(
  parts: { secretBox: SecretBox },
  session: StoredSession,
  purpose: string,
): string {
  return parts.secretBox.mac(`csrf ${purpose}`, session.id);
}

/**
 * Whether a POST comes from our own page: the value must be this session's, and the browser itself
 * must say that page and target share one origin (wire-protocol 7). `Origin` is of no use here: our
 * pages send no referrer, and a browser then writes `Origin: null`.
 */
export function csrfHolds(
  c: LoginContext,
  parts: { secretBox: SecretBox },
  {
    session,
    purpose,
    value,
  }: { session: StoredSession; purpose: string; value: string | undefined },
): boolean {
  if (value === undefined || !isSameOrigin(c)) return false;
  return equalSecrets(value, csrfValue(parts, session, purpose));
}
