// How long a connection may stay as it is. The server looks at each of its connections from time to
// time; a limit is a number of looks in a row that found nothing new.
import type { Socket } from "node:net";
import { untakenBytes } from "./connections.ts";
import type { ServerLimits } from "./server-limits.ts";

/** What a connection is at. */
export type Phase =
  /** before its first byte */
  | "new"
  /** a head has begun to arrive */
  | "head"
  /** between two requests */
  | "idle"
  /** a request is being answered */
  | "request"
  /** it is answered, and the rest of it is dropped */
  | "rest"
  /** nothing is written any more: over TLS the alert that says so may wait for its client */
  | "ending"
  /** the last answer, or a refusal, is written, and what still arrives is dropped */
  | "lingering"
  /** another protocol has taken over */
  | "left"
  | "closed";

/** Whether what arrives is no request any more. */
export function isOver(phase: Phase): boolean {
  return phase === "ending" || phase === "lingering" || phase === "left" || phase === "closed";
}

/** The limits of a listener, in looks. */
export interface LookLimits {
  /** for a head, and for the first one from the beginning of the connection */
  head: number;
  /** for a connection between two requests */
  idle: number;
  /** for an answer of which nothing is taken, and for the rest of a request after its answer */
  body: number;
  /** for a connection that ends, is silent while the server drains, or is half closed */
  moment: number;
}

/** For so long, in milliseconds, a client is waited for that is probably gone. */
const momentMs = 2_000;
/** In how many looks a limit is reached at least, and how long a look takes at most. */
const leastLooks = 4;
const longestLookMs = 500;

/** Milliseconds from one look to the next. */
export function lookMsOf(limits: ServerLimits): number {
  const shortest = Math.min(limits.header_timeout, limits.idle_timeout, limits.body_timeout);
  return Math.min(longestLookMs, shortest / leastLooks);
}

/** The limits as numbers of looks. */
export function lookLimits(limits: ServerLimits): LookLimits {
  const lookMs = lookMsOf(limits);
  // The first look may come at once.
  const looks = (ms: number) => Math.ceil(ms / lookMs) + 1;
  return {
    head: looks(limits.header_timeout),
    idle: looks(limits.idle_timeout),
    body: looks(limits.body_timeout),
    moment: looks(momentMs),
  };
}

/** The connection that is looked at. */
export interface LookedAt {
  readonly phase: Phase;
  /** bytes that have arrived */
  readonly received: number;
  readonly socket: Socket;
}

/** What is to be done: tell a client that its head is late, end the connection, or cut it. */
export type LookResult = "late" | "end" | "cut" | undefined;

/** What was last seen of one connection. */
export class ConnectionLooks {
  readonly #connection: LookedAt;
  readonly #limits: LookLimits;
  /** looks since the phase began */
  #looks = 0;
  #received = 0;
  #silentLooks = 0;
  #untaken = 0;
  #untakenLooks = 0;
  /** bytes written when the client shut its sending side; undefined while it has not */
  #writtenAtEnd: number | undefined;
  #endedLooks = 0;

  constructor(connection: LookedAt, limits: LookLimits) {
    this.#connection = connection;
    this.#limits = limits;
  }

  /** A phase has begun. */
  begin(): void {
    this.#looks = 0;
  }

  /**
   * The client has shut its sending side after its request: it may wait for the answer, or be gone.
   * Nobody can tell before something is written: who is gone resets the connection.
   */
  clientEnded(): void {
    this.#writtenAtEnd = this.#connection.socket.bytesWritten;
  }

  look(isDraining: boolean): LookResult {
    const { phase } = this.#connection;
    // A tunnel may be silent, and its client may take nothing for any time: whoever writes waits.
    if (phase === "left") return undefined;
    this.#looks++;
    if (this.#isStuck() || this.#isGone()) return "cut";
    return this.#resultOfPhase(phase) ?? (isDraining ? this.#resultOfSilence(phase) : undefined);
  }

  #resultOfPhase(phase: Phase): LookResult {
    const { head, idle, body, moment } = this.#limits;
    switch (phase) {
      case "new":
      case "head":
        return this.#looks >= head ? "late" : undefined;
      case "idle":
        return this.#looks >= idle ? "end" : undefined;
      case "rest":
        return this.#looks >= body ? "cut" : undefined;
      case "ending":
      case "lingering":
        return this.#looks >= moment ? "cut" : undefined;
      default:
        return undefined;
    }
  }

  /** Whether the client takes nothing of what waits for it. */
  #isStuck(): boolean {
    const { socket } = this.#connection;
    const untaken = socket.writableLength === 0 ? 0 : untakenBytes(socket);
    const isSame = untaken > 0 && untaken === this.#untaken;
    this.#untaken = untaken;
    this.#untakenLooks = isSame ? this.#untakenLooks + 1 : 0;
    return this.#untakenLooks >= this.#limits.body;
  }

  /** Whether nothing was written in a moment after the client shut its side. */
  #isGone(): boolean {
    if (this.#writtenAtEnd === undefined) return false;
    this.#endedLooks++;
    if (this.#endedLooks < this.#limits.moment) return false;
    const isGone = this.#connection.socket.bytesWritten === this.#writtenAtEnd;
    this.#writtenAtEnd = undefined;
    return isGone;
  }

  /** While the server drains, what stays silent is ended after a moment. */
  #resultOfSilence(phase: Phase): LookResult {
    const { received } = this.#connection;
    const isSilent = phase !== "request" && received === this.#received;
    this.#received = received;
    this.#silentLooks = isSilent ? this.#silentLooks + 1 : 0;
    // Once is enough.
    return this.#silentLooks === this.#limits.moment ? "end" : undefined;
  }
}
