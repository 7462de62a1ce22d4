/**
 * Trailers as node:http2 takes them.
 * @param rawTrailers names and values in turn
 */
export function trailerFields(rawTrailers: readonly string[]): Record<string, string[]> {
  // A name may be `constructor` or `__proto__`.
  const fields: Record<string, string[]> = Object.create(null);
  for (let index = 0; index < rawTrailers.length; index += 2) {
    const name = (rawTrailers[index] ?? "").toLowerCase();
    fields[name] ??= [];
    fields[name].push(rawTrailers[index + 1] ?? "");
  }
  return fields;
}
