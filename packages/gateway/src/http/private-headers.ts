/**
 * On everything that is said to one person: no cache keeps it (case L20), no other site learns of
 * it.
 */
export const privateHeaders = {
  "Cache-Control": "private, no-store",
  Vary: "Cookie",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;
