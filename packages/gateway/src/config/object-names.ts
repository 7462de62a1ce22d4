// Which object a word means: by its id, else by its name (configuration.md). Two objects that one
// word could mean are a mistake.
import type { FieldPath } from "./document.ts";
import { derivedId } from "./object-id.ts";
import { isMap } from "./read-shape.ts";
import type { Report } from "./report.ts";

const kinds = {
  identity_providers: "identity_provider",
  groups: "group",
  policies: "policy",
  service_tokens: "service_token",
} as const;

export interface NamedObject {
  /** "" when it has neither an id nor a name; then its shape is wrong as well */
  id: string;
  /** as it was written, whatever that is */
  item: unknown;
  path: FieldPath;
}

export interface NamedObjects {
  all: NamedObject[];
  /** id by id or name, also of objects that are wrong otherwise: who refers to them is right */
  ids: ReadonlyMap<string, string>;
}

export function nameObjects(
  section: keyof typeof kinds,
  items: readonly unknown[],
  report: Report,
): NamedObjects {
  const ids = new Map<string, string>();
  const owners = new Map<string, number>();
  const all = items.map((item, index) => {
    const name = wordIn(item, "name");
    const stated = wordIn(item, "id");
    const id = stated ?? (name === undefined ? "" : derivedId(kinds[section], name));
    for (const [field, word] of [
      ["id", id],
      ["name", name],
    ] as const) {
      if (word === undefined || word === "") continue;
      const owner = owners.get(word);
      if (owner === undefined) {
        owners.set(word, index);
        ids.set(word, id);
      } else if (owner !== index && (field === "name" || stated !== undefined)) {
        report.problem(
          [section, index, field],
          `already means ${section}[${owner}]; choose another`,
          word,
        );
      }
    }
    return { id, item, path: [section, index] };
  });
  return { all, ids };
}

function wordIn(item: unknown, field: string): string | undefined {
  const word = isMap(item) ? item[field] : undefined;
  return typeof word === "string" && word.trim() !== "" ? word : undefined;
}
