import type { KeyStore, StoredKey } from "../storage/store.ts";

/**
 * Changes the signing keys in the store. Two processes that rotate at once do not both rotate: the
 * second decides again, from what the first has written.
 * @param change what the keys shall be; called again when another process was faster
 * @returns the keys as they are now
 */
export async function changeKeys(
  keys: KeyStore,
  change: (before: readonly StoredKey[]) => readonly StoredKey[],
): Promise<readonly StoredKey[]> {
  for (;;) {
    const before = await keys.all();
    const after = change(before);
    if (await keys.replace(before, after)) return after;
  }
}
