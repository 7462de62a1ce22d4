import { refuse, text } from "./values.ts";

/**
 * The origin of a page, as browsers write it in `Origin` (RFC 6454 6.2): without path, default port
 * and capitals. Pages of extensions have schemes of their own.
 */
export const pageOrigin = text((source) => {
  if (/^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(source)) return source;
  if (!/^https?:\/\//i.test(source) || !URL.canParse(source))
    refuse("is not an origin; write one like https://www.example.com");

  const { origin, href, username, password } = new URL(source);
  if (href === `${origin}/`) return origin;
  const example = "leave the rest out";
  const own = username + password === "" ? `write ${origin}` : example;
  return refuse("must be scheme, host and port alone", { own, example });
});
