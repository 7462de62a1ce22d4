import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @param name of a configuration in this folder
 * @param values what stands for each `{{name}}` in it
 * @throws {Error} when one is not among them
 */
export function fill(name: string, values: Readonly<Record<string, string | number>>): string {
  const template = readFileSync(join(import.meta.dirname, name), "utf8");
  return template.replace(/\{\{(\w+)\}\}/g, (_, field: string) => {
    const value = values[field];
    if (value === undefined) throw new Error(`${name} has {{${field}}}, which nobody states`);
    return String(value);
  });
}
