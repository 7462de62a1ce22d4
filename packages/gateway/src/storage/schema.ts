// The tables, as Kysely types. A row is what store.ts calls a record, except where SQL has no such
// type.
import type { Generated, Kysely } from "kysely";
import type { StoredAccessEvent } from "./access-log.ts";
import type { StoredAdminToken, StoredAuditEntry, StoredPolicyTest } from "./admin-records.ts";
import type {
  StoredGeneration,
  StoredGrant,
  StoredHandover,
  StoredKey,
  StoredObject,
  StoredPin,
  StoredSession,
  StoredSessionApplication,
  StoredSshAuthority,
  StoredTokenUse,
  StoredTransfer,
  StoredUseCount,
  StoredUser,
} from "./store.ts";

export interface SessionRow extends Omit<StoredSession, "identity"> {
  /** JSON */
  identity: string;
}

/** A row is there while the session is: with what a list is ordered, filtered and counted by. */
export interface SessionApplicationRow
  extends StoredSessionApplication,
    Pick<StoredSession, "kind" | "created_at" | "expires_at"> {}

export interface UserRow extends Omit<StoredUser, "last_identity"> {
  /** JSON */
  last_identity: string | null;
}

export interface GrantRow extends Omit<StoredGrant, "scope"> {
  /** JSON */
  scope: string;
}

export interface AdminTokenRow extends Omit<StoredAdminToken, "permissions" | "applications"> {
  /** JSON */
  permissions: string;
  /** JSON */
  applications: string | null;
}

export interface CountRow {
  key: string;
  count: number;
  /** end of the window that is being counted */
  expires_at: number;
}

/** An entry of the changes feed. */
export interface ChangeRow {
  id: number;
  /** who wrote it */
  origin: string;
  what: "object" | "keys" | "session" | "application" | "transfer";
  /** of an object */
  kind: string | null;
  /** the id of the object, session or transfer, or the AUD of the application */
  ref: string | null;
}

/** 0 or 1 */
type Flag = number;

type AccessLogFlags = Record<"allowed" | "has_existing_jwt" | "non_identity", Flag>;

export type AccessLogRow = Omit<StoredAccessEvent, keyof AccessLogFlags> & AccessLogFlags;

export interface Schema {
  access_log: AccessLogRow;
  settings: { name: string; value: string };
  objects: StoredObject;
  signing_keys: StoredKey;
  ssh_authorities: StoredSshAuthority;
  users: UserRow;
  sessions: SessionRow;
  session_applications: SessionApplicationRow;
  grants: GrantRow;
  application_generations: StoredGeneration;
  service_token_uses: StoredTokenUse;
  use_counts: StoredUseCount;
  handovers: StoredHandover;
  pins: StoredPin;
  counts: CountRow;
  transfers: StoredTransfer;
  admin_tokens: AdminTokenRow;
  audit: StoredAuditEntry;
  policy_tests: StoredPolicyTest;
  changes: Omit<ChangeRow, "id"> & { id: Generated<number> };
}

export type Database = Kysely<Schema>;
