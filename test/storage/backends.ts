// Every store that Postern has, and records to put into one. A new store gets a line in the table,
// nothing else.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type {
  StoredAdminToken,
  StoredAuditEntry,
  StoredPolicyTest,
} from "../../packages/gateway/src/storage/admin-records.ts";
import { openStore } from "../../packages/gateway/src/storage/open-store.ts";
import { openSqliteStore } from "../../packages/gateway/src/storage/sqlite.ts";
import type {
  Store,
  StoredGrant,
  StoredHandover,
  StoredKey,
  StoredObject,
  StoredPin,
  StoredSession,
  StoredSshAuthority,
  StoredTransfer,
} from "../../packages/gateway/src/storage/store.ts";
import { needsPostgresServer } from "../support/postgres.ts";
import { newDatabase } from "../support/postgres-database.ts";

export interface Backend {
  name: string;
  /** whether several processes can open the same database */
  shared: boolean;
  /** why its tests are left out, if they are */
  skip?: string;
  /** a new database; each call of what comes back opens it once more, as another process would */
  make(context: TestContext): () => Promise<Store>;
}

export const time = Date.UTC(2026, 10, 25);
export const minute = 60_000;

const inMemory = ":memory:";
const newFile = (context: TestContext) => join(temporaryFolder(context), "postern.db");

export const backends: readonly Backend[] = [
  {
    name: "SQLite in memory",
    shared: false,
    make: (context) => opener(context, () => openStore(inMemory, randomBytes)),
  },
  {
    name: "SQLite in a file, in a thread of its own",
    shared: true,
    make: (context) => {
      const place = newFile(context);
      return opener(context, () => openStore(place, randomBytes));
    },
  },
  {
    name: "SQLite in a file, in the caller's thread",
    shared: true,
    make: (context) => {
      const place = newFile(context);
      return opener(context, () => openSqliteStore(place, randomBytes(8).toString("hex")));
    },
  },
  {
    name: "PostgreSQL",
    shared: true,
    ...needsPostgresServer(),
    make: (context) => {
      const database = newDatabase();
      const stores: Store[] = [];
      context.after(async () => {
        for (const store of stores) await store.close();
        (await database).drop();
      });
      return async () => {
        const store = await openStore((await database).address, randomBytes);
        stores.push(store);
        return store;
      };
    },
  },
];

/** Options for a suite of its tests. */
export function skipOf({ skip }: Backend): { skip?: string } {
  return skip === undefined ? {} : { skip };
}

function opener(context: TestContext, open: () => Promise<Store>): () => Promise<Store> {
  return async () => {
    const store = await open();
    context.after(() => store.close());
    return store;
  };
}

export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-store-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function key(kid: string, more: Partial<StoredKey> = {}): StoredKey {
  return {
    kid,
    state: "next",
    public_jwk: "{}",
    certificate: "certificate",
    sealed_private_key: "sealed",
    created_at: time,
    activated_at: null,
    retired_at: null,
    ...more,
  };
}

export function authority(aud: string, more: Partial<StoredSshAuthority> = {}): StoredSshAuthority {
  return { aud, sealed_private_key: "sealed", created_at: time, ...more };
}

export function object(id: string, more: Partial<StoredObject> = {}): StoredObject {
  return {
    kind: "group",
    id,
    name: id,
    aud: null,
    managed_by: "api",
    body: "{}",
    created_at: time,
    updated_at: time,
    ...more,
  };
}

export function session(
  id: string,
  userId: string,
  more: Partial<StoredSession> = {},
): StoredSession {
  return {
    id,
    user_id: userId,
    kind: "browser",
    parent_id: null,
    jkt: null,
    identity: {
      email: "ada@example.com",
      name: "Ada Ünïcode 🗝",
      idp: { id: "corp", type: "oidc" },
      groups: ["eng", 'quote"d'],
      oidc_fields: { department: { floor: 3 } },
      amr: ["otp"],
      ip: "2001:db8::1",
      country: "",
      iat: time / 1000,
    },
    user_agent: "a browser",
    created_at: time,
    expires_at: time + 60 * minute,
    revoked_at: null,
    ...more,
  };
}

export function grant(id: string, more: Partial<StoredGrant> = {}): StoredGrant {
  return {
    id,
    session_id: `session of ${id}`,
    user_id: "ada",
    aud: "aud",
    htu: "https://app.example.com/",
    scope: {},
    label: null,
    created_at: time,
    expires_at: time + 60 * minute,
    ...more,
  };
}

export function handover(id: string, more: Partial<StoredHandover> = {}): StoredHandover {
  return {
    id,
    aud: "aud",
    session_id: "session",
    app_session_hash: "a",
    state_hash: "s",
    expires_at: time + minute,
    ...more,
  };
}

export function pin(id: string, more: Partial<StoredPin> = {}): StoredPin {
  return {
    id,
    email: "ada@example.com",
    aud: "aud",
    idp_id: "pin",
    pin_hash: "p",
    browser_hash: "b",
    tries: 0,
    created_at: time,
    expires_at: time + 10 * minute,
    ...more,
  };
}

export function policyTest(id: string, more: Partial<StoredPolicyTest> = {}): StoredPolicyTest {
  return {
    id,
    policies: "[]",
    ...{ total: 3, approved: 0, blocked: 0, errored: 0, completed_at: null },
    created_at: time,
    expires_at: time + 60 * minute,
    ...more,
  };
}

export function adminToken(id: string, more: Partial<StoredAdminToken> = {}): StoredAdminToken {
  return {
    id,
    name: id,
    hash: `hash of ${id}`,
    permissions: ["apps:read", "lists:write"],
    applications: null,
    created_at: time,
    expires_at: null,
    ...more,
  };
}

export function auditEntry(id: string, more: Partial<StoredAuditEntry> = {}): StoredAuditEntry {
  return {
    id,
    created_at: time,
    ...{ token_id: "token", token_name: "ci", ip: "192.0.2.7", ray: "ray" },
    ...{ action: "updated", kind: "group", ref: "g", name: "G" },
    before: '{"name":"F"}',
    after: '{"name":"G"}',
    ...more,
  };
}

export function transfer(id: string, more: Partial<StoredTransfer> = {}): StoredTransfer {
  return {
    id,
    address: "192.0.2.7",
    user_agent: "a terminal",
    created_at: time,
    expires_at: time + 10 * minute,
    held_until: 0,
    state: "waiting",
    body: null,
    service_public_key: null,
    session_id: null,
    opening: null,
    progress: null,
    ...more,
  };
}

/** Two people, whose sessions can be stored. */
export async function withPeople(store: Store): Promise<Store> {
  for (const name of ["ada", "bob"]) await store.users.forEmail(`${name}@example.com`, time, name);
  return store;
}
