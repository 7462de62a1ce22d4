// An entry in somebody's settings. The rest of the file stays as it is, byte by byte.

/** What is to stand in the file: `section.name = value`. */
export interface SettingsEntry {
  section: string;
  name: string;
  value: Readonly<Record<string, unknown>>;
}

export type Insertion =
  /** @property text of the whole file; `undefined` where it stands there already */
  | { ok: true; text: string | undefined }
  /** @property why it cannot be put there by a program */
  | { ok: false; why: string };
