import { keyOf } from "../config/config-objects.ts";
import type { ObjectKey } from "../storage/store.ts";

/**
 * Objects that were changed in the store and are not in force as they are there; "all" at first.
 */
export class OutdatedObjects {
  #keys = new Map<string, ObjectKey>();
  #all = true;

  add(objects: readonly ObjectKey[] | "all"): void {
    if (objects === "all") this.#all = true;
    else for (const object of objects) this.#keys.set(keyOf(object.kind, object.id), object);
  }

  /**
   * Hands them to `read`. They are outdated no longer, unless it fails or returns undefined: then
   * they must be read again.
   */
  async readWith<Result>(
    read: (objects: readonly ObjectKey[] | "all") => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const objects = this.#all ? "all" : [...this.#keys.values()];
    // Forgotten first: what changes while it is being read is outdated again.
    this.#all = false;
    this.#keys = new Map();
    let result: Result | undefined;
    try {
      result = await read(objects);
    } finally {
      if (result === undefined) this.add(objects);
    }
    return result;
  }
}
