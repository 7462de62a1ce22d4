// What the rest of the gateway knows of storage. Each method is one atomic step; what it confirmed
// survives `kill -9`. Times are milliseconds since the epoch. Nothing secret arrives here in clear:
// callers hand in hashes (SHA-256, hex) and ciphertext.
import type { Identity } from "../model/model.ts";

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
  created_at: number;
}

export interface StoredSession {
  /** `identity_nonce`, 128 bits or more, hex */
  id: string;
  user_id: string;
  kind: "browser" | "terminal";
  /** the browser session that approved a terminal's */
  parent_id: string | null;
  identity: Identity;
  user_agent: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
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
}

export interface StoredObject {
  kind: "organization" | "application" | "group" | "identity_provider" | "service_token" | "policy";
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

export interface Store {
  /**
   * small named values: account id, organization tag, sealed MAC keys. Sets only when absent;
   * returns what is in force.
   */
  setting(name: string, initial: () => string): Promise<string>;

  objects(): Promise<StoredObject[]>;
  /** one transaction */
  changeObjects(
    put: StoredObject[],
    remove: { kind: StoredObject["kind"]; id: string }[],
  ): Promise<void>;

  keys(): Promise<StoredKey[]>;
  /**
   * One transaction: reads the keys, lets `change` say what they shall be, writes the difference.
   * Two processes that rotate at once do not both rotate.
   */
  changeKeys(change: (keys: StoredKey[]) => StoredKey[]): Promise<StoredKey[]>;

  /** the user with this canonical address, made when absent */
  userFor(email: string, now: number, newId: string): Promise<StoredUser>;

  addSession(session: StoredSession): Promise<void>;
  session(id: string): Promise<StoredSession | undefined>;
  /** live sessions: neither revoked nor expired */
  sessionsOf(userId: string, now: number): Promise<StoredSession[]>;
  /** ends one session and the terminals that it approved; returns the ids that ended now */
  revokeSession(id: string, now: number): Promise<string[]>;
  revokeUserSessions(userId: string, now: number): Promise<string[]>;

  addHandover(handover: StoredHandover): Promise<void>;
  /** removes and returns it: one use, whoever comes first */
  takeHandover(id: string): Promise<StoredHandover | undefined>;

  addPin(pin: StoredPin): Promise<void>;
  /**
   * counts a try first, atomically, and returns the record with the try counted; undefined when
   * absent
   */
  tryPin(id: string): Promise<StoredPin | undefined>;
  /** removes it; true for exactly one caller */
  takePin(id: string): Promise<boolean>;

  /**
   * Counts one event in a fixed window and says how many there are now, this one included. Atomic.
   * @param windowMs length of the window, milliseconds
   */
  count(key: string, windowMs: number, now: number): Promise<number>;
  clearCount(key: string): Promise<void>;

  /** records the first poll, or returns what stands */
  openTransfer(transfer: StoredTransfer): Promise<StoredTransfer>;
  transfer(id: string): Promise<StoredTransfer | undefined>;
  /** how many unexpired mailboxes an address has */
  transfersOf(address: string, now: number): Promise<number>;
  holdTransfer(id: string, until: number): Promise<void>;
  /** moves from one state to another and sets the body; false when it was not in `from` any more */
  moveTransfer(
    id: string,
    from: StoredTransfer["state"],
    to: StoredTransfer["state"],
    sealed?: { body: string; service_public_key: string },
  ): Promise<boolean>;

  /** deletes what expired before `now` (sessions: 30 days after) */
  sweep(now: number): Promise<void>;
  /**
   * calls back soon after another process changed the database; returns a function that stops it
   */
  watch(onChange: () => void): () => void;
  close(): Promise<void>;
}
