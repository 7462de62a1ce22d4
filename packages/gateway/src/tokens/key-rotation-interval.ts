// After how many days another key signs: what the admin API has set, else what the file says.
import type { SettingStore } from "../storage/store.ts";

const name = "key_rotation_interval_days";

/** @param ofFile what holds where nobody has set anything */
export async function keyRotationDays(
  { settings }: { settings: Pick<SettingStore, "find"> },
  ofFile: number,
): Promise<number> {
  const text = await settings.find(name);
  return text === undefined ? ofFile : Number(text);
}

/** @param days 21 to 365 */
export async function setKeyRotationDays(
  { settings }: { settings: Pick<SettingStore, "set"> },
  days: number,
): Promise<void> {
  await settings.set(name, String(days));
}
