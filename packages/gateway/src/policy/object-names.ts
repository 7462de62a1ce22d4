// What people call the objects that policies name: by name, with the id beside it where that is
// another word, since two objects may have one name and the API knows them by id.
import type { RuleReference } from "../model/rules/rule.ts";

/** Kinds of objects that have names here. */
export type NamedKind = RuleReference["kind"] | "policy";

/** Looks up names. */
export class ObjectNames {
  readonly #names = new Map<string, string>();

  /** @param objects a later one of the same id counts */
  add(kind: NamedKind, objects: Iterable<{ id: string; name: string }>): this {
    for (const { id, name } of objects) this.#names.set(`${kind} ${id}`, name);
    return this;
  }

  /** undefined: there is no such object */
  of(kind: NamedKind, id: string): string | undefined {
    return this.#names.get(`${kind} ${id}`);
  }

  /** `"Staff" (5d4036…)`, or the id alone where nothing has it. */
  textOf(kind: NamedKind, id: string): string {
    return nameWithId(this.of(kind, id), id);
  }
}

/** `"Staff" (5d4036…)`; the id alone where there is no name. */
export function nameWithId(name: string | undefined, id: string): string {
  if (name === undefined) return id;
  return name === id ? JSON.stringify(name) : `${JSON.stringify(name)} (${id})`;
}
