// What belongs to a store and is made once for it: the key that seals what is in it, and its tag.
import type { Settings } from "./config/read-settings.ts";
import type { RandomBytes } from "./random.ts";
import { loadSecretKey, readSecretKeyFile } from "./secrets/secret-key-file.ts";
import type { Store } from "./storage/store.ts";

/**
 * The secret key of a store: the configured file, which is made for a store that needs no old one.
 * @throws {Error} in one line, when it cannot be read or made
 */
export async function secretKeyFor(
  store: Store,
  { secret_key_file }: Settings,
  randomBytes: RandomBytes,
): Promise<Buffer> {
  // Asked before the file is looked for: another process may be making both at this moment.
  const isSealed = (await store.keys.all()).length > 0;
  return isSealed
    ? readSecretKeyFile(secret_key_file)
    : loadSecretKey(secret_key_file, randomBytes);
}

/** The `aud` of team-domain tokens: 64 hex characters, made once for a store. */
export function organizationTagIn(store: Store, randomBytes: RandomBytes): Promise<string> {
  return store.settings.get("organization_tag", randomBytes(32).toString("hex"));
}
