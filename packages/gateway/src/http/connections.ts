// The open connections of one server, and how they end. A client that takes nothing of its answer
// is cut off. When the server itself ends, a client that keeps its connection must be told before,
// or it loses the request that it has just sent: each answer says so from then on, and what stays
// silent is closed after a moment. Looks are counted, not milliseconds: this process may be held up
// for longer than a limit, and what came meanwhile is read before the next look.
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** How often connections are looked at for silent ones while the server drains. */
const silenceLookMs = 100;
/** A connection is closed when so many looks in a row have found nothing new on it. */
const silentLooks = 20;
/**
 * A client that shuts its sending side after a request may wait for the answer, or be gone: nobody
 * can tell before something is written. For so long it is taken to wait. One that takes bytes for
 * as long does: who is gone resets the connection.
 */
const halfOpenMs = 2_000;
/** After so long without a byte the system asks whether the client of a tunnel is still there. */
const keepAliveMs = 60_000;
/** In how many looks a client must be seen to take nothing before it is cut off. */
const takeLooks = 4;

/** What was last seen of a connection. */
interface Activity {
  bytesRead: number;
  /** looks since that was another number, or an answer was in progress */
  silentLooks: number;
  /** bytes that wait for the client to take them */
  untaken: number;
  /** looks since that was another number, or 0 */
  untakenLooks: number;
  /** the protocol is not HTTP: it may be silent, and end one side before the other */
  isTunnel: boolean;
}

/** What a server is asked for about its connections. */
export interface ConnectionsOptions {
  isTls: boolean;
  /** milliseconds for which a client may take nothing of what waits for it */
  takeTimeout: number;
}

/** The connections of a server, from the moment at which it accepts them. */
export class Connections {
  /** whether every answer ends its connection */
  isDraining = false;
  /** those that carry requests, or will */
  readonly #carriers = new Map<Socket, Activity>();
  /** those of a TLS server, whose own list lacks the ones that are still in their handshake */
  readonly #encrypted = new Set<Socket>();
  readonly #takeLook: NodeJS.Timeout;
  #silenceLook: NodeJS.Timeout | undefined;

  constructor(server: Server, { isTls, takeTimeout }: ConnectionsOptions) {
    this.#takeLook = setInterval(() => this.#cutUntaken(), takeTimeout / takeLooks);
    this.#takeLook.unref();
    server.on("connection", (socket: Socket) => {
      if (isTls) this.#trackEncrypted(socket);
      else this.#track(socket);
    });
    server.on("secureConnection", (socket: Socket) => this.#track(socket));
  }

  /**
   * From now on every answer ends its connection, and silent connections are closed.
   * @returns resolves when nobody is left who was connected before
   */
  drain(): Promise<void> {
    this.isDraining = true;
    this.#silenceLook ??= setInterval(() => this.#closeSilent(), silenceLookMs);
    const ends = [...this.#carriers.keys()].map(
      (socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    return Promise.all(ends).then(() => undefined);
  }

  /**
   * What follows on this connection is no HTTP. Its client may take nothing for any time, as one
   * that shows a long text page by page: whoever writes waits for it, and keeps little.
   */
  beginTunnel(socket: Socket): void {
    const activity = this.#carriers.get(socket);
    if (activity === undefined) return;
    activity.isTunnel = true;
    socket.setTimeout(0);
    socket.setKeepAlive(true, keepAliveMs);
  }

  /** Forgets a connection that somebody else looks after from now on. */
  leave(socket: Socket): void {
    this.#carriers.delete(socket);
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const socket of this.#carriers.keys()) socket.destroy();
    for (const socket of this.#encrypted) socket.destroy();
  }

  /** Looks at them no more. */
  stop(): void {
    clearInterval(this.#silenceLook);
    clearInterval(this.#takeLook);
  }

  #track(socket: Socket): void {
    const activity = newActivity();
    this.#carriers.set(socket, activity);
    socket.once("end", () => {
      if (!activity.isTunnel) endHalfOpen(socket);
    });
    socket.once("close", () => this.#carriers.delete(socket));
  }

  #trackEncrypted(socket: Socket): void {
    this.#encrypted.add(socket);
    socket.once("close", () => this.#encrypted.delete(socket));
  }

  #closeSilent(): void {
    for (const [socket, activity] of this.#carriers) {
      if (activity.isTunnel) continue;
      const { bytesRead } = socket;
      const isSilent = bytesRead === activity.bytesRead && answerInProgress(socket) === undefined;
      activity.bytesRead = bytesRead;
      activity.silentLooks = isSilent ? activity.silentLooks + 1 : 0;
      // Once is enough.
      if (activity.silentLooks === silentLooks) socket.destroySoon();
    }
  }

  #cutUntaken(): void {
    for (const [socket, activity] of this.#carriers) {
      if (activity.isTunnel) continue;
      const untaken = socket.writableLength === 0 ? 0 : untakenBytes(socket);
      const isStuck = untaken > 0 && untaken === activity.untaken;
      activity.untaken = untaken;
      activity.untakenLooks = isStuck ? activity.untakenLooks + 1 : 0;
      if (activity.untakenLooks === takeLooks) socket.destroy();
    }
  }
}

function endHalfOpen(socket: Socket): void {
  const bytesBefore = socket.bytesWritten;
  const deadline = setTimeout(() => {
    if (socket.bytesWritten === bytesBefore) socket.destroy();
  }, halfOpenMs);
  socket.once("close", () => clearTimeout(deadline));
}

function newActivity(): Activity {
  return { bytesRead: 0, silentLooks: 0, untaken: 0, untakenLooks: 0, isTunnel: false };
}

/**
 * Bytes that the client has not taken. What a write that is under way still holds is known to the
 * handle alone, where Node's own timeouts look as well.
 */
export function untakenBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}

/**
 * The answer that a connection waits for. Node keeps it in a field of the socket, where its own
 * handler of malformed requests looks as well.
 */
export function answerInProgress(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
