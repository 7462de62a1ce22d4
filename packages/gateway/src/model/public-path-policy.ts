import type { Policy } from "./policy.ts";

/** What a public path of an application means: a policy that lets in everybody, by its name. */
export function publicPathPolicy({ id }: { id: string }, path: string): Policy {
  return {
    id: `${id}-public`,
    name: `public path ${path}`,
    decision: "bypass",
    include: [{ everyone: {} }],
    require: [],
    exclude: [],
  };
}
