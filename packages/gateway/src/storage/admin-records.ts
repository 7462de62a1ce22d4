// What the store keeps of those who administer: their tokens, and what they changed.

/** A token of somebody who administers. */
export interface StoredAdminToken {
  /** UUID */
  id: string;
  /** what people call it */
  name: string;
  /** SHA-256 of the token, hex */
  hash: string;
  /** `groups:read`, `groups:write`, … */
  permissions: readonly string[];
  /** ids of the applications that it is for, and what belongs to them; null: for all there is */
  applications: readonly string[] | null;
  created_at: number;
  /** null never expires */
  expires_at: number | null;
}

/** The tokens of those who administer. One that is removed opens nothing from then on. */
export interface AdminTokenStore {
  /** in the order in which they were made */
  all(): Promise<StoredAdminToken[]>;
  /** @throws {Error} when the id or the hash was used before */
  add(token: StoredAdminToken): Promise<void>;
  findByHash(hash: string): Promise<StoredAdminToken | undefined>;
  /** @returns whether there was one */
  remove(id: string): Promise<boolean>;
}

/** One change that an administrator made. Nothing in it is a secret. */
export interface StoredAuditEntry {
  /** UUID */
  id: string;
  created_at: number;
  /** of the admin token */
  token_id: string;
  token_name: string;
  ip: string;
  ray: string;
  /** `created`, `updated`, `deleted`, … */
  action: string;
  /** the kind of what was changed */
  kind: string;
  /** its id */
  ref: string;
  name: string;
  /** JSON; null where there was nothing */
  before: string | null;
  after: string | null;
}

/** Which entries are wanted: from one time to another, both included. */
export interface AuditPage {
  since: number;
  until: number;
  offset: number;
  limit: number;
}

/** What administrators changed. */
export interface AuditStore {
  add(entry: StoredAuditEntry): Promise<void>;
  /** the newest first, and how many there are of that time in all */
  page(page: AuditPage): Promise<{ entries: StoredAuditEntry[]; total: number }>;
}

/** What has come of a policy test so far. */
export interface PolicyTestCounts {
  approved: number;
  blocked: number;
  errored: number;
  /** null while it is under way */
  completed_at: number | null;
}

/** Policies that are tried on everybody who is known. */
export interface StoredPolicyTest extends PolicyTestCounts {
  /** UUID */
  id: string;
  /** JSON: the policies, in their order */
  policies: string;
  /** how many people there were when it began */
  total: number;
  created_at: number;
  expires_at: number;
}

export interface PolicyTestStore {
  /** @throws {Error} when the id was used before */
  add(test: StoredPolicyTest): Promise<void>;
  find(id: string): Promise<StoredPolicyTest | undefined>;
  progress(id: string, counts: PolicyTestCounts): Promise<void>;
}
