// Header fields as they stand on the wire: names and values in turn.

/** Names and values in turn, in the order sent. */
export type RawFields = readonly string[];

/** The fields as pairs, the names as sent and in lower case. */
export function* fieldsIn(
  raw: RawFields,
): Generator<{ name: string; lower: string; value: string }> {
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    yield { name, lower: name.toLowerCase(), value: raw[index + 1] ?? "" };
  }
}

/** Every value of one field, in the order sent. */
export function valuesOf(raw: RawFields, lowerName: string): string[] {
  return [...fieldsIn(raw)].filter(({ lower }) => lower === lowerName).map(({ value }) => value);
}

/** Each name with its value. */
export function pairsOf(raw: RawFields): [name: string, value: string][] {
  return [...fieldsIn(raw)].map(({ name, value }) => [name, value]);
}

/** The fields but for one. */
export function withoutField(raw: RawFields, lowerName: string): string[] {
  const others = [...fieldsIn(raw)].filter(({ lower }) => lower !== lowerName);
  return others.flatMap(({ name, value }) => [name, value]);
}

/** RFC 9110 7.6.1, and what is agreed anew with the next one. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Whether a field belongs to one connection, by its name or by what `Connection` says. */
export function connectionFields(raw: RawFields): (lowerName: string) => boolean {
  const options = new Set(
    valuesOf(raw, "connection").flatMap((value) =>
      value.split(",").map((option) => option.trim().toLowerCase()),
    ),
  );
  // Who asks, and what frames a body, is no option of a connection.
  for (const fact of ["content-length", "content-type", "cookie", "authorization", "host"])
    options.delete(fact);
  return (lowerName) => hopByHop.has(lowerName) || options.has(lowerName);
}
