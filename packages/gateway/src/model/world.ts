// The objects that one object is judged against, collected.
import type { ConfiguredObject, Kind, World } from "./kind.ts";

/** A world that grows while objects are read. */
export interface GrowingWorld extends World {
  /** @param object undefined when its shape is wrong: who names it is right all the same */
  add(kind: Kind, id: string, object: ConfiguredObject | undefined): void;
  /** Notes what an object takes for itself; whoever came first keeps it. */
  claim(kind: Kind, object: ConfiguredObject, owner: string): void;
}

/** What does not depend on objects. */
export type Surroundings = Pick<World, "ownHosts" | "hasMail" | "knowsCountries">;

/** An empty world. @param surroundings what does not depend on objects */
export function createWorld(surroundings: Surroundings): GrowingWorld {
  const objects = new Map<string, Map<string, ConfiguredObject | undefined>>();
  const owners = new Map<string, string>();
  return {
    ...surroundings,
    find: <Configured extends ConfiguredObject>({ name }: { name: string }, id: string) =>
      objects.get(name)?.get(id) as Configured | undefined,
    count: (kind) => objects.get(kind)?.size ?? 0,
    ownerOf: (claim) => owners.get(claim),
    add({ name }, id, object) {
      const ofKind = objects.get(name) ?? new Map<string, ConfiguredObject | undefined>();
      objects.set(name, ofKind.set(id, object));
    },
    claim(kind, object, owner) {
      for (const key of kind.claims(object)) if (!owners.has(key)) owners.set(key, owner);
    },
  };
}
