// What is open for longer than a request takes (WebSockets, TCP, event streams, gRPC), and what
// ends it: its session, its credential, or policy (cases T17, W3, W4). What does not concern a
// stream leaves it alone, and one that is idle costs nothing: sessions find theirs by id, and one
// timer compares two values.
import type { Catalog, CatalogSource } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { runInSlices, type Steps } from "../catalog/steps.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import type { Application } from "../model/model.ts";
import type { RecordEvent, StreamFields } from "../observe/events.ts";
import type { Generation } from "../tokens/generations.ts";
import type { Tokens } from "../tokens/tokens.ts";
import {
  type Asker,
  applicationInForce,
  askerFields,
  askerInForce,
  expiryOf,
  type StreamSubject,
} from "./still-passes.ts";

/** Why a stream ends before both of its ends want it to. */
export type StreamEnd =
  /** somebody signed out, or was signed out */
  | "session_ended"
  /** the session or the credential has expired */
  | "expired"
  /** the configuration in force would not let it begin */
  | "access_removed"
  /** nobody can say whether the session lives: the store cannot be read */
  | "store_unavailable"
  | "gateway_ending";

/** Something that is open. */
export interface StreamOptions {
  facts: RequestFacts;
  application: Application;
  asker: Asker;
  /**
   * whether `end_streams: streams` ends it; false for an answer that takes no longer than its bytes
   */
  isStream: boolean;
  /** bytes that it has carried, in both directions */
  bytes: () => number;
  /** Ends it, for the client to see that this is not all. At most once, and not after `close`. */
  end: (reason: StreamEnd) => void;
}

/** Something in the list. */
export interface OpenStream {
  /** as StreamOptions has it; may be set anew, for who keeps a request no longer than necessary */
  end: (reason: StreamEnd) => void;
  /** It has ended by itself. */
  close(): void;
}

/** What streams are ended by. */
export interface OpenStreamsParts {
  tokens: Pick<Tokens, "isAlive" | "generationOf">;
  catalogs: CatalogSource;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
}

/** How often expiry and configuration are looked at, milliseconds. */
const lookInterval = 250;
/** Sessions that are asked for at once. */
const askedAtOnce = 64;
/** For so long a stream goes on whose session nobody can ask for, milliseconds. */
const unreadableLimit = 10_000;

/** Everything that is open in this process. */
export class OpenStreams {
  readonly #parts: OpenStreamsParts;
  readonly #open = new Set<Entry>();
  readonly #ofSession = new Map<string, Set<Entry>>();
  /** sessions that may have ended: they are asked for */
  readonly #doubtful = new Set<string>();
  #isAsking = false;
  /** when a session could not be asked for first, `elapsed` */
  #unreadableSince: number | undefined;
  /** no stream expires before */
  #nextExpiry = Number.POSITIVE_INFINITY;
  /** the catalog that open streams are held to, and how many there were before */
  #catalog: Catalog;
  #generation = 0;
  #isJudging = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts;
    this.#catalog = parts.catalogs.current();
  }

  /** Holds it to its session, its credential and policy until it is closed. */
  add(options: StreamOptions): OpenStream {
    this.#followCatalog();
    const entry = newEntry(options, this.#parts.elapsed());
    this.#open.add(entry);
    this.#nextExpiry = Math.min(this.#nextExpiry, expiryOf(entry.subject.asker));
    this.#timer ??= setInterval(this.#look, lookInterval).unref();

    // Since it was let through, the configuration may have changed, and its session ended.
    if (options.facts.catalog === this.#catalog) entry.generation = this.#generation;
    else this.#judge();
    if (entry.sessionId !== undefined) {
      const ofSession = this.#ofSession.get(entry.sessionId);
      if (ofSession === undefined) this.#ofSession.set(entry.sessionId, new Set([entry]));
      else ofSession.add(entry);
      this.doubt([entry.sessionId]);
    }
    entry.close = () => void this.#remove(entry);
    return entry;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** These sessions may have ended. */
  doubt(sessionIds: readonly string[] | "all"): void {
    const ids = sessionIds === "all" ? this.#ofSession.keys() : sessionIds;
    for (const id of ids) if (this.#ofSession.has(id)) this.#doubtful.add(id);
    void this.#ask();
  }

  /** The tokens of this application were revoked. */
  doubtApplication(aud: string): void {
    const entries = [...this.#open].filter(({ subject }) => subject.aud === aud);
    this.doubt(entries.map(({ sessionId }) => sessionId).filter((id) => id !== undefined));
  }

  /** The gateway ends, and everything with it. */
  endAll(): void {
    for (const entry of this.#open) this.#end(entry, "gateway_ending");
  }

  readonly #look = (): void => {
    const { now, elapsed } = this.#parts;
    if (now() >= this.#nextExpiry) this.#endExpired(now());
    this.#followCatalog();
    if (this.#unreadableSince === undefined) return;
    if (elapsed() - this.#unreadableSince > unreadableLimit) this.#endDoubtful();
    void this.#ask();
  };

  #endExpired(now: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#open) {
      const expiry = expiryOf(entry.subject.asker);
      if (expiry > now) next = Math.min(next, expiry);
      else this.#end(entry, "expired");
    }
    this.#nextExpiry = next;
  }

  // Sessions.

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#doubtful.size > 0) {
        const ids = [...this.#doubtful].slice(0, askedAtOnce);
        // Removed first: a session that ends while it is asked for is asked for again.
        for (const id of ids) this.#doubtful.delete(id);
        await this.#askFor(ids);
      }
      this.#unreadableSince = undefined;
    } catch {
      this.#unreadableSince ??= this.#parts.elapsed();
    } finally {
      this.#isAsking = false;
    }
  }

  /** @throws {Error} when the store cannot be read; then the sessions stay doubtful */
  async #askFor(sessionIds: readonly string[]): Promise<void> {
    const { tokens } = this.#parts;
    const ask = async (id: string) => {
      try {
        if (!(await tokens.isAlive(id))) this.#endSession(id, "session_ended");
        await this.#endRevoked(id);
      } catch (error) {
        this.#doubtful.add(id);
        throw error;
      }
    };
    await Promise.all(sessionIds.map(ask));
  }

  /** Ends what was let in by a token of an earlier generation. */
  async #endRevoked(sessionId: string): Promise<void> {
    for (const entry of this.#ofSession.get(sessionId) ?? []) {
      const shown = shownGeneration(entry.subject);
      if (shown === undefined) continue;
      const generation = await this.#parts.tokens.generationOf(shown.aud);
      if (shown.generation !== generation) this.#end(entry, "session_ended");
    }
  }

  #endSession(id: string, reason: StreamEnd): void {
    for (const entry of this.#ofSession.get(id) ?? []) this.#end(entry, reason);
  }

  #endDoubtful(): void {
    for (const id of this.#doubtful) this.#endSession(id, "store_unavailable");
    this.#doubtful.clear();
  }

  // Policy.

  #followCatalog(): void {
    const catalog = this.#parts.catalogs.current();
    if (catalog === this.#catalog) return;
    this.#catalog = catalog;
    this.#generation++;
    this.#judge();
  }

  /** Holds every stream that was let in by another catalog to the one in force. */
  #judge(): void {
    if (this.#isJudging) return;
    this.#isJudging = true;
    void runInSlices(this.#judgeEach());
  }

  *#judgeEach(): Steps<void> {
    let judgedIn = -1;
    // Another catalog may come into force meanwhile; streams that are added are met in the same
    // pass.
    while (judgedIn !== this.#generation) {
      judgedIn = this.#generation;
      for (const entry of this.#open) {
        if (entry.generation === this.#generation) continue;
        this.#judgeOne(entry);
        yield;
      }
    }
    this.#isJudging = false;
  }

  #judgeOne(entry: Entry): void {
    entry.generation = this.#generation;
    const { subject } = entry;

    // 1. What ends it is for the application to say, as it is now.
    const application = applicationInForce(subject, this.#catalog);
    const endStreams = application === undefined ? entry.endStreams : application.end_streams;
    const endsOtherwise = endStreams !== entry.endStreams;
    entry.endStreams = endStreams;

    // 2. Whether it would begin.
    const asker = application && askerInForce(subject, application, this.#catalog);
    if (asker === undefined) {
      this.#end(entry, "access_removed");
      return;
    }
    subject.asker = asker;
    this.#nextExpiry = Math.min(this.#nextExpiry, expiryOf(asker));

    // 3. What it has outlived by the earlier setting counts now.
    if (endsOtherwise && entry.sessionId !== undefined) this.doubt([entry.sessionId]);
  }

  // Ends.

  #end(entry: Entry, reason: StreamEnd): void {
    if (reason !== "gateway_ending" && !endsWithItsAsker(entry)) return;
    if (!this.#remove(entry)) return;
    const { fields, openedAt } = entry;
    const seconds = Math.round((this.#parts.elapsed() - openedAt) / 1000);
    this.#parts.record({
      event: "stream_ended",
      ...fields,
      reason,
      seconds,
      bytes: entry.bytes(),
    });
    entry.end(reason);
  }

  /** @returns whether it was open */
  #remove(entry: Entry): boolean {
    if (!this.#open.delete(entry)) return false;
    const { sessionId } = entry;
    if (sessionId !== undefined) {
      const ofSession = this.#ofSession.get(sessionId);
      ofSession?.delete(entry);
      if (ofSession?.size === 0) this.#ofSession.delete(sessionId);
    }
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return true;
  }
}

/** A stream without its request, which would keep a whole catalog in memory. */
interface Entry extends OpenStream {
  subject: StreamSubject;
  sessionId: string | undefined;
  fields: StreamFields;
  /** `elapsed` */
  openedAt: number;
  isStream: boolean;
  /** of the application, as last read */
  endStreams: Application["end_streams"];
  /** of catalogs: the one that it was last held to */
  generation: number;
  bytes: () => number;
}

function newEntry(options: StreamOptions, openedAt: number): Entry {
  const { facts, application, asker, isStream, bytes, end } = options;
  const { host, path, clientIp: ip, rayId: ray, method, authority } = facts;
  const { aud, name } = application;
  return {
    subject: { host, method, path, ip, aud, asker },
    sessionId: "session" in asker ? asker.session.id : undefined,
    fields: {
      ray,
      ip,
      method,
      host: authority,
      path,
      aud,
      application: name,
      ...askerFields(asker),
    },
    openedAt,
    isStream,
    endStreams: application.end_streams,
    generation: -1,
    bytes,
    end,
    close: () => undefined,
  };
}

/** What the token that let somebody in says of its generation; undefined where none did. */
function shownGeneration({
  aud,
  asker,
}: StreamSubject): { aud: string; generation: Generation } | undefined {
  if (asker.kind === "person") return { aud, generation: asker.generation };
  if (asker.kind !== "linked") return undefined;
  return { aud: asker.linkedAud, generation: asker.linkedGeneration };
}

/**
 * Whether it goes on when whoever it is for may not have it any more. By a grant it never does:
 * what a person lent is theirs to take back.
 */
function endsWithItsAsker({ endStreams = "streams", isStream, subject }: Entry): boolean {
  const { asker } = subject;
  if (isStream && asker.kind === "person" && asker.grant !== undefined) return true;
  return endStreams === "all" || (endStreams === "streams" && isStream);
}
