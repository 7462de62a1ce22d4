// Values inside nested maps and lists, by path.
import type { FieldPath } from "./problem.ts";
import { isMap } from "./read-value.ts";

/** What is at the path; undefined when there is nothing. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (Array.isArray(parent)) return parent[Number(key)];
    return isMap(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
  }, value);
}

/** A copy with another value at the path; what is beside the path is shared. */
export function replaceAt(value: unknown, path: FieldPath, replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  if (Array.isArray(value))
    return value.with(Number(key), replaceAt(value[Number(key)], rest, replacement));
  if (!isMap(value)) return value;
  return { ...value, [key]: replaceAt(value[key], rest, replacement) };
}

/** A copy without the field at the path; what is beside the path is shared. */
export function removeAt(value: unknown, path: FieldPath): unknown {
  const [key, ...rest] = path;
  if (key === undefined || !isMap(value) || !Object.hasOwn(value, key)) return value;
  if (rest.length > 0) return { ...value, [key]: removeAt(value[key], rest) };
  const { [key]: _, ...others } = value;
  return others;
}
