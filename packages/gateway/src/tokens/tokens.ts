// What the rest of the gateway knows of tokens and sessions.
import type { AppClaims, MetaClaims, OrgClaims, PassClaims } from "@postern/protocol";
import type { CacheReading } from "../bounded-cache.ts";
import type { LinkedApplication } from "../model/identity.ts";
import type { Application, CachedDecision, Identity, Workload } from "../model/model.ts";
import type { StoredGrant, StoredSession } from "../storage/store.ts";
import type { MatchDescription, PassScope } from "./claims.ts";
import type { Generation } from "./generations.ts";
import type { MetaContent } from "./meta.ts";
import type { PossessionFault, ProofFault, ProvenRequest, TokenHolder } from "./possession.ts";
import type { RequestScope } from "./request-scope.ts";
import type { WorkloadVerification } from "./workload-tokens.ts";

/** Why a token or session does not count. Precise here, vague on the wire. */
export type TokenFault =
  | "malformed"
  | "bad_signature"
  | "wrong_type"
  | "wrong_issuer"
  | "wrong_audience"
  | "expired"
  | "revoked"
  /** it was handed to another browser, or to none (ADR 0015) */
  | "wrong_browser"
  /** whoever sends it did not prove to hold its key */
  | PossessionFault;

export type Verified<Claims> =
  | { ok: true; claims: Claims; session: StoredSession }
  | { ok: false; fault: TokenFault };

/**
 * An application token that holds, or a grant, and what its origin gets instead of it. Times are
 * milliseconds since the epoch.
 */
export interface AppProof {
  ok: true;
  claims: AppClaims;
  session: StoredSession;
  /** undefined until it is asked for */
  assertion: { token: string; usableFrom: number; usableUntil: number } | undefined;
  /** the nonce of the browser that it was handed to; undefined until a request presents it */
  browser: string | undefined;
  /** what policy last said of it; undefined until it is asked */
  decision: CachedDecision | undefined;
  /** undefined where all that the person may do is allowed */
  grant: GrantTerms | undefined;
}

/** What a grant allows. */
export interface GrantTerms {
  id: string;
  label: string | undefined;
  /** the URL prefix: scheme, host and port, and a slash */
  htu: string;
  scope: RequestScope;
}

export type VerifiedApp = AppProof | { ok: false; fault: TokenFault };

/** A pass that holds. */
export type PassProof = Verified<PassClaims> & { ok: true };

/** What the origin of another application shows of a person, verified. */
export interface LinkedProof {
  session: StoredSession;
  /** the application whose origin it is */
  linked: LinkedApplication;
  /** of that application */
  linkedAud: string;
  /** of that application's tokens, as what is shown says it */
  linkedGeneration: Generation;
  /** of what is shown, seconds since the epoch */
  exp: number;
}

/** A credential for one URL prefix (wire-protocol 8). */
export interface Pass {
  token: string;
  /** milliseconds since the epoch */
  expiresAt: number;
}

export interface Tokens {
  // Everything is signed off the serving thread. Tokens are never issued to an anonymous request.

  /**
   * The session at the team domain.
   * @param browser the nonce of the browser that gets the token; undefined for a terminal
   */
  issueOrg(session: StoredSession, browser?: string): Promise<string>;
  /**
   * @param lifetimeMs cut at the session's end
   * @param browser the nonce of the browser that gets the token; undefined for a terminal
   */
  issueApp(
    session: StoredSession,
    application: Application,
    lifetimeMs: number,
    browser?: string,
  ): Promise<string>;
  /**
   * @param htu the URL prefix
   * @param lifetimeMs cut at the session's end
   * @param scope what else narrows it
   */
  issuePass(
    session: StoredSession,
    application: Application,
    htu: string,
    lifetimeMs: number,
    scope?: PassScope,
  ): Promise<Pass>;
  /** @param session the grant's own */
  issueGrant(session: StoredSession, application: Application, grant: StoredGrant): Promise<string>;

  // Assertions for origins are signed once each, and come from a cache afterwards: without a
  // promise.

  /** What the origin gets for a person's application token. */
  personAssertion(proof: AppProof): string | Promise<string>;
  /** What the origin gets for a pass: no wider and no longer than the pass. */
  passAssertion(proof: PassProof, application: Application): string | Promise<string>;
  /** What the origin gets where another application's acts for a person: no longer than that. */
  linkedAssertion(proof: LinkedProof, application: Application): string | Promise<string>;
  /** What the origin gets for a workload; lives 10 minutes, and no longer than its token. */
  workloadAssertion(application: Application, workload: Workload): string | Promise<string>;
  /** What the origin gets for a service token; lives 10 minutes. */
  serviceAssertion(application: Application, clientId: string): string | Promise<string>;

  /**
   * `cf-access-metadata`, made at most once an hour per distinct description; undefined when too
   * many new ones were asked for just now, from this network (network.ts) or in all.
   */
  issueMatch(description: MatchDescription, network: string): Promise<string | undefined>;

  /** HS256 with a key of its own. */
  sealMeta(content: MetaContent): string;
  openMeta(token: string): MetaClaims | undefined;

  /**
   * The cached answer when there is one, decided without waiting; undefined when `verifyApp` must
   * be asked.
   */
  cachedApp(token: string, aud: string): VerifiedApp | undefined;
  /** Signature, type, issuer, audience, times, and the live session behind it. */
  verifyApp(token: string, aud: string): Promise<VerifiedApp>;
  /** As `cachedApp`, for a grant. */
  cachedGrant(token: string, aud: string): VerifiedApp | undefined;
  /** As `verifyApp`, for a grant. */
  verifyGrant(token: string, aud: string): Promise<VerifiedApp>;
  verifyOrg(token: string): Promise<Verified<OrgClaims>>;
  verifyPass(token: string, aud: string): Promise<Verified<PassClaims>>;
  /**
   * An origin's assertion for a person with an application token, and the live session behind it.
   * No credential: it answers `get-identity` where the application allows that, and another
   * application takes it by a `linked_app_token` rule.
   */
  verifyAssertion(token: string, aud: string): Promise<Verified<AppClaims>>;
  /**
   * Whether a session has neither ended nor expired.
   * @throws {Error} when the store cannot be read
   */
  isAlive(sessionId: string): Promise<boolean>;
  /**
   * Whose program has this token of another issuer; undefined where no policy of the application
   * names that. A promise only where it was not verified a moment ago.
   */
  verifyWorkload(
    token: string,
    application: Application,
  ): undefined | WorkloadVerification | Promise<WorkloadVerification>;
  /**
   * Whether the request proves to come from whoever holds the key of its verified token.
   * @param jkt `cnf.jkt` of the token
   * @returns undefined when it does
   */
  checkProof(holder: TokenHolder, request: ProvenRequest): ProofFault | undefined;
  /** Whether this is a JWS whose `iss` is this team domain, valid or not (wire-protocol 3.4). */
  isOurs(token: string): boolean;

  /** The body of `GET /cdn-cgi/access/certs`. */
  certs(): string;
  /** Makes the published next key sign, and publishes another next one (wire-protocol 2). */
  rotateKeys(): Promise<KeyRotation>;
  /** Dates keys as of now that bear a date after `latest`, milliseconds since the epoch. */
  redateKeys(latest: number): Promise<void>;
  /** How what is remembered fares, by the name of the cache. */
  cacheReadings(): Record<"token" | "grant" | "session" | "assertion", CacheReading>;
  /** Forgets what is cached for these sessions, at once. */
  forgetSessions(ids: readonly string[]): void;
  /** Forgets what is cached for every session and of every revocation, at once. */
  forgetAllSessions(): void;
  /**
   * Whether the server of the store answers. `lost_too_long`: nobody who is known may be believed
   * any more.
   */
  storeContact: "kept" | "lost" | "lost_too_long";
  /** Is told which sessions were forgotten: they have ended, or must be asked for again. */
  onForgotten: ((sessionIds: readonly string[] | "all") => void) | undefined;
  /**
   * What the application's tokens must say since they were last revoked.
   * @throws {Error} when the store cannot be read
   */
  generationOf(aud: string): Promise<Generation>;
  /** As `generationOf`, without waiting; undefined where it is not certain. */
  knownGenerationOf(aud: string): Generation | undefined;
  /** The application's tokens were revoked: what is cached of them is compared anew. */
  forgetGeneration(aud: string): void;
  /** Is told of which application tokens were revoked. */
  onRevoked: ((aud: string) => void) | undefined;
  /** Reads the keys again, after another process changed them. */
  reloadKeys(): Promise<void>;
}

/** What a rotation has changed; the same key twice where another process has rotated meanwhile. */
export interface KeyRotation {
  /** names of the key that signed before, and of the one that signs now */
  before: string;
  now: string;
  /** until when what the earlier one has signed is accepted, milliseconds since the epoch */
  acceptedUntil: number;
}

/** Begins and ends sessions. A session that was ended lets in no request that comes after. */
export interface Sessions {
  /** Begins a session with a new id (case T10). */
  start(input: SessionStart): Promise<StoredSession>;
  // What ends sessions returns the ids of those that ended now.

  /** Ends one session, with the terminals and grants that it approved. */
  end(sessionId: string): Promise<string[]>;
  /** Ends every session of the person. */
  endAllOf(userId: string): Promise<string[]>;
  /**
   * Revokes every token of the application, and ends the grants for it; policy says who of those
   * signed in gets another.
   */
  endAllAt(aud: string): Promise<string[]>;
  /** Removes the user with their sessions. @returns false when there is no such user */
  removeUser(userId: string): Promise<boolean>;
  /** Ends the sessions that begin after `latest`. @returns how many */
  endLaterThan(latest: number): Promise<number>;
}

export interface SessionStart {
  kind: StoredSession["kind"];
  identity: Identity;
  /** the browser session that approved a terminal's, which ends no later */
  parent?: StoredSession;
  userAgent: string;
  /** milliseconds from now */
  lifetimeMs: number;
  /** thumbprint of the key that the tokens of a terminal's session are bound to */
  jkt?: string | undefined;
}
