// Which object a word means: by its id, else by its name (configuration.md). Two objects that one word could
// mean are a mistake.
import type { FieldPath } from "./document.ts";
import { derivedId } from "./object-id.ts";
import type { Report } from "./report.ts";

const kinds = { identity_providers: "identity_provider", groups: "group", policies: "policy", service_tokens: "service_token" } as const;

interface Written {
  id?: string | undefined;
  name: string;
}

export interface NamedObjects<Each> {
  all: { id: string; written: Each; path: FieldPath }[];
  /** id by id or name */
  ids: ReadonlyMap<string, string>;
}

export function nameObjects<Each extends Written>(
  section: keyof typeof kinds,
  written: readonly Each[],
  report: Report,
): NamedObjects<Each> {
  const ids = new Map<string, string>();
  const owners = new Map<string, number>();
  const all = written.map((each, index) => {
    const id = each.id ?? derivedId(kinds[section], each.name);
    for (const [field, word] of [
      ["id", id],
      ["name", each.name],
    ] as const) {
      const owner = owners.get(word);
      if (owner === undefined) {
        owners.set(word, index);
        ids.set(word, id);
      } else if (owner !== index && (field === "name" || each.id !== undefined)) {
        report.problem([section, index, field], `already means ${section}[${owner}]; choose another`, word);
      }
    }
    return { id, written: each, path: [section, index] };
  });
  return { all, ids };
}
