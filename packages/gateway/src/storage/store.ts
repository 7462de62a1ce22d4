// What the rest of the gateway knows of storage: a store in parts, of which each room takes those
// that it uses. Each method is one atomic step; what it confirmed survives `kill -9`. Times are
// milliseconds since the epoch. Nothing secret arrives here in clear: callers hand in hashes
// (SHA-256, hex) and ciphertext.
import type { CredentialScope } from "@postern/protocol";
import type { ObjectKind } from "../model/kinds.ts";
import type { Identity } from "../model/model.ts";
import type { AccessLogStore } from "./access-log.ts";
import type {
  AdminTokenStore,
  AuditStore,
  PolicyTestStore,
  StoredAuditEntry,
} from "./admin-records.ts";

export interface StoredKey {
  kid: string;
  /** `next` is published and does not sign yet; `current` signs; `retired` only verifies */
  state: "next" | "current" | "retired";
  /** JWK, public part */
  public_jwk: string;
  /** X.509 in PEM */
  certificate: string;
  /** PKCS#8 sealed with the secret key (AES-256-GCM, base64) */
  sealed_private_key: string;
  created_at: number;
  /** when it began to sign */
  activated_at: number | null;
  /** when it stopped signing */
  retired_at: number | null;
}

export interface StoredUser {
  /** UUID, the `sub` of tokens */
  id: string;
  email: string;
  /** as the last login, or an administrator, says */
  name: string | null;
  created_at: number;
  /** of the name; null while nobody has changed it */
  updated_at: number | null;
  last_successful_login: number | null;
  /** what the provider said at the last login */
  last_identity: Identity | null;
}

/** Which users are wanted. Texts are compared without regard to capitals. */
export interface UserQuery extends PageQuery {
  /** part of the address */
  email?: string | undefined;
  /** part of the name */
  name?: string | undefined;
  /** part of either */
  search?: string | undefined;
}

/** Which part of a list is wanted. */
export interface PageQuery {
  limit: number;
  offset: number;
}

/** A part of a list. */
export interface PageOf<Item> {
  items: Item[];
  /** how many there are in all */
  total: number;
}

export interface StoredSession {
  /** `identity_nonce`, 128 bits or more, hex */
  id: string;
  user_id: string;
  /** `grant`: stands behind one grant, and ends with it */
  kind: "browser" | "terminal" | "grant";
  /** the browser session that approved a terminal's or a grant's */
  parent_id: string | null;
  identity: Identity;
  user_agent: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  /** thumbprint of the key that a terminal's tokens are bound to; null where they are not */
  jkt: string | null;
}

/** A session that got a token of an application, or a grant for it. */
export interface StoredSessionApplication {
  session_id: string;
  aud: string;
}

/** Which sessions are wanted. */
export interface SessionQuery extends PageQuery {
  kind?: StoredSession["kind"] | undefined;
  userId?: string | undefined;
  /** of an application that the session got a token of */
  aud?: string | undefined;
}

/** A grant (wire-protocol 8). It holds for as long as its session is alive. */
export interface StoredGrant {
  /** what people name it by */
  id: string;
  /** of kind `grant` */
  session_id: string;
  user_id: string;
  aud: string;
  /** the URL prefix that it is for: scheme, host and port, and a slash */
  htu: string;
  scope: CredentialScope;
  /** what the terminal calls it */
  label: string | null;
  created_at: number;
  expires_at: number;
}

/** A grant as it stands. */
export interface StandingGrant extends StoredGrant {
  /** null for one without a count */
  uses_left: number | null;
}

/** How often a pass or a grant with a count may still be used. */
export interface StoredUseCount {
  /** of the grant, or the `jti` of the pass */
  id: string;
  session_id: string;
  uses_left: number;
  expires_at: number;
}

/** The one-use hand-over from the team domain to an application host (wire-protocol 5.4). */
export interface StoredHandover {
  /** hash of the nonce */
  id: string;
  aud: string;
  session_id: string;
  /** hash of `CF_AppSession` */
  app_session_hash: string;
  /** hash of the `state` argument */
  state_hash: string;
  expires_at: number;
}

export interface StoredPin {
  id: string;
  /** canonical address */
  email: string;
  aud: string;
  idp_id: string;
  /** HMAC of the PIN with the gateway's own key: a plain hash of six digits is no secret */
  pin_hash: string;
  /** hash of the cookie of the browser that asked */
  browser_hash: string;
  tries: number;
  created_at: number;
  expires_at: number;
}

/** A mailbox of the relay (wire-protocol 6.7). Holds ciphertext only. */
export interface StoredTransfer {
  /** hash of the terminal's public key */
  id: string;
  address: string;
  user_agent: string;
  created_at: number;
  expires_at: number;
  /** a poll is being held until then; 0 when none is */
  held_until: number;
  state: "waiting" | "sealed" | "delivered" | "refused" | "policy" | "expired" | "address";
  body: string | null;
  service_public_key: string | null;
  /** the terminal's session, once somebody has approved it */
  session_id: string | null;
  /** JSON: what the terminal asked for when it opened the mailbox by itself (wire-protocol 6.4) */
  opening: string | null;
  /** JSON: what has happened at the browser meanwhile */
  progress: string | null;
}

/** What an approval puts into a mailbox. */
export interface SealedAnswer {
  body: string;
  service_public_key: string;
  /** the terminal's session: it stays when the rest has been taken */
  session_id: string;
}

export interface StoredObject {
  kind: ObjectKind;
  id: string;
  name: string;
  /** applications only */
  aud: string | null;
  managed_by: "file" | "api";
  /** JSON, secrets sealed */
  body: string;
  created_at: number;
  updated_at: number;
}

/** Small named values: account id, organization tag, what an administrator has set. */
export interface SettingStore {
  /** Sets the value when there is none. @returns what is in force: whoever came first decided */
  get(name: string, initial: string): Promise<string>;
  find(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
}

/** Names an object. */
export type ObjectKey = Pick<StoredObject, "kind" | "id">;

/** What has become of objects meanwhile. */
export interface ObjectNews {
  /** where the changes of all processes stand by now: it counts up */
  position: number;
  /** "all" where nobody can tell */
  changed: readonly ObjectKey[] | "all";
}

/** What is configured, by the file or the API. */
export interface ObjectStore {
  /** by kind, and in the order in which they were made */
  all(): Promise<StoredObject[]>;
  /** those of these that there are, in no order */
  find(keys: readonly ObjectKey[]): Promise<StoredObject[]>;
  /**
   * Which objects were changed since a position, by any process. Whoever reads them afterwards has
   * them as they were at the new position, or later.
   */
  changedSince(position?: number): Promise<ObjectNews>;
  /**
   * All of it or nothing, with what is written down of it.
   * @param judgedAt the position that it was judged at; default: whatever there is by now
   * @returns the new position; undefined, and nothing is changed, where objects were changed since
   * that position
   */
  change(
    put: readonly StoredObject[],
    remove: readonly ObjectKey[],
    audit?: readonly StoredAuditEntry[],
    judgedAt?: number,
  ): Promise<number | undefined>;
}

/** The keys that sign tokens. */
export interface KeyStore {
  /** in the order in which they were made */
  all(): Promise<StoredKey[]>;
  /**
   * Puts `after` in the place of `before`, all of it or nothing.
   * @returns false when another process has changed the keys since `before` was read
   */
  replace(before: readonly StoredKey[], after: readonly StoredKey[]): Promise<boolean>;
}

/** What signs the SSH certificates of one application. */
export interface StoredSshAuthority {
  /** of the application */
  aud: string;
  /** PKCS#8 sealed with the secret key; the public part comes of it */
  sealed_private_key: string;
  created_at: number;
}

/** One authority for each application, and never a second one. */
export interface SshAuthorityStore {
  find(aud: string): Promise<StoredSshAuthority | undefined>;
  /** Adds it where there is none. @returns what is in force: whoever came first decided */
  add(authority: StoredSshAuthority): Promise<StoredSshAuthority>;
  /**
   * Puts `after` in the place of `before`, which is of the same application.
   * @returns what is in force: of those who replace the same one, the first decides
   */
  replace(before: StoredSshAuthority, after: StoredSshAuthority): Promise<StoredSshAuthority>;
  /** in the order of their making */
  all(): Promise<StoredSshAuthority[]>;
  /** @returns false when there was none */
  remove(aud: string): Promise<boolean>;
}

export interface UserStore {
  /** The user with this canonical address, made with `newId` when there is none. */
  forEmail(email: string, now: number, newId: string): Promise<StoredUser>;
  find(id: string): Promise<StoredUser | undefined>;
  /** by canonical address */
  withEmail(email: string): Promise<StoredUser | undefined>;
  /** by address */
  list(query: UserQuery): Promise<PageOf<StoredUser>>;
  /** those whose address comes after this one, by address: "" is before all */
  after(email: string, limit: number): Promise<StoredUser[]>;
  /** @returns false when there is no such user */
  rename(id: string, name: string, now: number): Promise<boolean>;
  /**
   * Removes the user with their sessions and grants: who comes again with this address is another
   * user.
   * @returns the ids of the sessions that ended now; undefined when there is no such user
   */
  remove(id: string, now: number): Promise<string[] | undefined>;
}

/** Who holds a token of an application that does not say this generation holds nothing. */
export interface StoredGeneration {
  /** of the application */
  aud: string;
  /** text that nobody guesses and that never comes again */
  generation: string;
  revoked_at: number;
}

/** The applications whose tokens were ever revoked. */
export interface GenerationStore {
  find(aud: string): Promise<StoredGeneration | undefined>;
  /**
   * Revokes what was issued for the application before, and ends the grants for it.
   * @returns the ids of the sessions of grants that ended now
   */
  put(generation: StoredGeneration): Promise<string[]>;
}

/** When a service token was last used. */
export interface StoredTokenUse {
  /** of the service token */
  id: string;
  last_used_at: number;
}

export interface TokenUseStore {
  /** those of these that were ever used */
  find(ids: readonly string[]): Promise<StoredTokenUse[]>;
  /** Notes uses, in one step. An earlier time than the one that is known changes nothing. */
  note(uses: readonly StoredTokenUse[]): Promise<void>;
  forget(ids: readonly string[]): Promise<void>;
}

export interface SessionStore {
  /**
   * Adds it; a browser's is the last login of its user.
   * @throws {Error} when the id was used before, or the user was removed
   */
  add(session: StoredSession): Promise<void>;
  find(id: string): Promise<StoredSession | undefined>;
  /** the person's sessions that are neither revoked nor expired */
  ofUser(userId: string, now: number): Promise<StoredSession[]>;
  /** sessions that are neither revoked nor expired, the latest first */
  list(now: number, query: SessionQuery): Promise<PageOf<StoredSession>>;
  /** those whose ids begin so, alive or not; a few at most */
  withPrefix(prefix: string): Promise<StoredSession[]>;
  /** Notes that a session gets a token of an application, while it is alive. */
  noteApplication(session: StoredSessionApplication): Promise<void>;
  /** what these got tokens of, in no order; an application that was revoked since is not there */
  applicationsOf(ids: readonly string[]): Promise<StoredSessionApplication[]>;
  /**
   * Ends a session, and the terminals and grants that it approved. @returns the ids that ended now
   */
  revoke(id: string, now: number): Promise<string[]>;
  /** @returns the ids that ended now */
  revokeAllOf(userId: string, now: number): Promise<string[]>;
  /** Ends the sessions that begin after `latest`. @returns the ids that ended now */
  revokeLaterThan(latest: number, now: number): Promise<string[]>;
}

/** Grants that a person approved. */
export interface GrantStore {
  /** Adds it, with its count where it has one. */
  add(grant: StoredGrant): Promise<void>;
  find(id: string): Promise<StoredGrant | undefined>;
  /** those that these sessions stand behind, alive or not, in no order */
  ofSessions(sessionIds: readonly string[]): Promise<StandingGrant[]>;
  /** the person's grants that have neither ended nor expired, in the order of their making */
  ofUser(userId: string, now: number): Promise<StandingGrant[]>;
}

/** Counts of credentials that may be used a number of times. */
export interface UseCountStore {
  add(count: StoredUseCount): Promise<void>;
  /**
   * Takes one use.
   * @returns false when none is left, or the session behind it has ended
   */
  take(id: string, now: number): Promise<boolean>;
}

export interface HandoverStore {
  add(handover: StoredHandover): Promise<void>;
  /** Removes and returns it: one use, whoever comes first. */
  take(id: string): Promise<StoredHandover | undefined>;
}

export interface PinStore {
  add(pin: StoredPin): Promise<void>;
  /** Counts a try. @returns the record with this try counted; undefined when there is none */
  try(id: string): Promise<StoredPin | undefined>;
  /** Removes it. @returns true for exactly one caller */
  take(id: string): Promise<boolean>;
}

/** Events in fixed windows: what limits are made of. */
export interface CounterStore {
  /**
   * Counts one event. A window begins with its first event.
   * @param windowMs length of the window, milliseconds
   * @returns how many the window holds now, this one included
   */
  count(key: string, windowMs: number, now: number): Promise<number>;
  clear(key: string): Promise<void>;
}

/** The mailboxes of the relay. */
export interface TransferStore {
  /** Records the first poll. @returns the mailbox as it is, opened now or before */
  open(transfer: StoredTransfer): Promise<StoredTransfer>;
  /** Adds a mailbox. @returns false when there is one of this id */
  add(transfer: StoredTransfer): Promise<boolean>;
  find(id: string): Promise<StoredTransfer | undefined>;
  /** Notes until when a poll is held. */
  hold(id: string, until: number): Promise<void>;
  /** Notes that the poll of this `until` is held no more, unless another has been noted since. */
  release(id: string, until: number): Promise<void>;
  /** Notes progress in the place of what was noted before, while the mailbox waits. */
  note(id: string, step: { from: string | null; to: string }): Promise<void>;
  /**
   * Takes a mailbox from one state to another, and puts `sealed` or nothing into it. The session of
   * an answer stays.
   * @returns false when it was not in `from` any more, or had expired
   */
  move(id: string, step: TransferStep): Promise<boolean>;
}

export interface TransferStep {
  from: StoredTransfer["state"];
  to: StoredTransfer["state"];
  now: number;
  sealed?: SealedAnswer | undefined;
}

/** What another process changed. */
export type StoreChange =
  /** an object was put or removed */
  | { what: "object"; kind: ObjectKind; id: string }
  | { what: "keys" }
  /** a session was ended before its time */
  | { what: "session"; id: string }
  /** the tokens of an application were revoked */
  | { what: "application"; aud: string }
  /** a mailbox went to another state, or a poll of it is held, or held no more */
  | { what: "transfer"; id: string }
  /** so much was changed since the last look that nobody knows any more what it was */
  | { what: "everything" }
  /** what others change cannot be read at the moment: a session may have ended unnoticed */
  | { what: "unreadable"; error: string }
  /** the server of the store is out of reach; `silentMs`: since it was heard of last */
  | { what: "unreachable"; silentMs: number; error: string }
  /** it is there again, and all that others changed meanwhile was told; `silentMs`: as above */
  | { what: "reachable"; silentMs: number };

export interface StoreParts {
  settings: SettingStore;
  objects: ObjectStore;
  keys: KeyStore;
  sshAuthorities: SshAuthorityStore;
  users: UserStore;
  sessions: SessionStore;
  generations: GenerationStore;
  tokenUses: TokenUseStore;
  grants: GrantStore;
  useCounts: UseCountStore;
  handovers: HandoverStore;
  pins: PinStore;
  counters: CounterStore;
  transfers: TransferStore;
  accessLog: AccessLogStore;
  adminTokens: AdminTokenStore;
  audit: AuditStore;
  policyTests: PolicyTestStore;
}

/** What of the logs was kept for long enough: what is older, milliseconds since the epoch. */
export interface LogEnds {
  /** rows of the access log: sign-ins and sign-outs */
  signInsBefore: number;
  /** rows of the access log: requests */
  requestsBefore: number;
  /** what administrators changed */
  auditBefore: number;
}

export interface Store extends StoreParts {
  /**
   * Deletes what expired before `now` (sessions: 30 days after), and what the logs keep no longer.
   */
  sweep(now: number, logs?: LogEnds): Promise<void>;
  /**
   * Calls back within some 100 ms after other processes changed what caches depend on, with their
   * changes in order, from the opening of the store on.
   * @returns a function that ends it
   */
  watch(onChange: (changes: readonly StoreChange[]) => void): () => void;
  /**
   * The number of the last change that every watcher was told of, its own included: it grows
   * alike for all gateways of a database. Undefined where only one machine has the store.
   */
  lastChange?(): number | undefined;
  close(): Promise<void>;
}
