// What a link may wish of the identity provider: whom to expect, and what to ask (OpenID Connect
// Core 3.1.2.1). The link comes from strangers, so that only forms that mean something pass.
import { defined } from "../defined.ts";
import type { SignInTarget } from "./sign-in-target.ts";

/** The wishes of one link. */
export type ProviderWishes = Pick<SignInTarget, "login_hint" | "prompt">;

/** The arguments of a link that carry them. */
export const wishArguments = ["login_hint", "prompt"] as const;

const longestHint = 254;
const prompts: ReadonlySet<string> = new Set(["login", "consent", "select_account"]);

/** Reads the wishes of a link. @returns the message for the page when one cannot be carried out */
export function readProviderWishes(
  query: URLSearchParams,
): { ok: true; wishes: ProviderWishes } | { ok: false; message: string } {
  const login_hint = query.get("login_hint") || undefined;
  const prompt = query.get("prompt") || undefined;
  if (login_hint !== undefined && !isHint(login_hint))
    return { ok: false, message: "The link's login_hint is too long, or no text." };
  if (prompt !== undefined && !isPrompt(prompt))
    return {
      ok: false,
      message: "The link's prompt is not known here: it may be login, consent or select_account.",
    };
  return { ok: true, wishes: defined({ login_hint, prompt }) };
}

/** Takes the wishes out of a link that was read: they are carried out once. */
export function withoutWishes(pathAndQuery: string): string {
  const [path = "", query = ""] = pathAndQuery.split("?", 2);
  const remaining = new URLSearchParams(query);
  if (!wishArguments.some((name) => remaining.has(name))) return pathAndQuery;
  for (const name of wishArguments) remaining.delete(name);
  return `${path}?${remaining}`;
}

/** Whether the provider must ask, although somebody is signed in here. */
export function mustAsk({ prompt }: ProviderWishes): boolean {
  return prompt !== undefined;
}

/** Marks of direction show another address on the page than the one that is meant. */
function isHint(text: string): boolean {
  return (
    Buffer.byteLength(text) <= longestHint && !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text)
  );
}

/** One or several of the known ones; `none` would end every first sign-in. */
function isPrompt(text: string): boolean {
  return text.split(" ").every((each) => prompts.has(each));
}
