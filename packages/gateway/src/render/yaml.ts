// Values as YAML: JSON is YAML, so every text is quoted as JSON quotes it, and nothing in it can
// become anything else than text. Maps and lists get lines of their own.

/** What such a document holds. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | { [key: string]: YamlValue };

/** A document, with a comment at its top. */
export function yamlDocument(comment: string, value: YamlValue): string {
  return `${comment}${linesOf(value, 0)}\n`;
}

function linesOf(value: YamlValue, depth: number): string {
  if (isLeaf(value)) return JSON.stringify(value);
  const indent = "  ".repeat(depth);
  if (isList(value))
    return value.map((item) => `${indent}- ${linesOf(item, depth + 1).trimStart()}`).join("\n");
  return Object.entries(value)
    .map(([key, item]) => {
      const place = isLeaf(item) ? " " : "\n";
      return `${indent}${keyOf(key)}:${place}${linesOf(item, depth + 1)}`;
    })
    .join("\n");
}

function isLeaf(value: YamlValue): value is string | number | boolean {
  if (typeof value !== "object") return true;
  // Written as `[]` and `{}`.
  return Object.keys(value).length === 0;
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

function keyOf(key: string): string {
  return /^[A-Za-z][\w-]*$/.test(key) ? key : JSON.stringify(key);
}
