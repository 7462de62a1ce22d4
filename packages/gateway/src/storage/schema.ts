// The tables, as Kysely types. A row is what store.ts calls a record, except where SQL has no such
// type.
import type { Kysely } from "kysely";
import type {
  StoredHandover,
  StoredKey,
  StoredObject,
  StoredPin,
  StoredSession,
  StoredTransfer,
  StoredUser,
} from "./store.ts";

export interface SessionRow extends Omit<StoredSession, "identity"> {
  /** JSON */
  identity: string;
}

export interface CountRow {
  key: string;
  count: number;
  /** end of the window that is being counted */
  expires_at: number;
}

export interface Schema {
  settings: { name: string; value: string };
  objects: StoredObject;
  signing_keys: StoredKey;
  users: StoredUser;
  sessions: SessionRow;
  handovers: StoredHandover;
  pins: StoredPin;
  counts: CountRow;
  transfers: StoredTransfer;
}

export type Database = Kysely<Schema>;
