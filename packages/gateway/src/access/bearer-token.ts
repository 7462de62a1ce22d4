// `Authorization: Bearer` with the application's token, for programs that can send nothing else
// (`accept_bearer`, wire-protocol 3). Every other value of the header is the application's own.
import { valuesOf } from "../http/request-headers.ts";
import type { Application } from "../model/model.ts";
import type { Tokens } from "../tokens/tokens.ts";

const none = { count: 0, token: undefined };

/**
 * The gateway's own token in `Authorization`.
 * @returns `count` values of that header, and the token where one of them is ours
 */
export function bearerToken(
  tokens: Pick<Tokens, "isOurs">,
  rawHeaders: readonly string[],
  { accept_bearer }: Application,
): { count: number; token: string | undefined } {
  if (accept_bearer !== true) return none;
  const values = valuesOf(rawHeaders, "authorization");
  for (const value of values) {
    const token = /^bearer +([^ ]+)$/i.exec(value)?.[1];
    if (token !== undefined && tokens.isOurs(token)) return { count: values.length, token };
  }
  return none;
}
