// The open connections of one server, and how they end when it does. A client that keeps its
// connection must be told before it is closed, or it loses the request that it has just sent: each
// answer says so from then on, and what stays silent is closed after a moment.
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A connection is closed when nothing came over it for so long after the drain began. */
const silenceMs = 1_000;
const lookMs = 100;

/** What was last seen of a connection. */
interface Activity {
  bytesRead: number;
  /** `performance.now()` */
  at: number;
}

/** The connections of a server, from the moment at which it accepts them. */
export class Connections {
  /** whether every answer ends its connection */
  isDraining = false;
  /** those that carry requests, or will */
  readonly #carriers = new Map<Socket, Activity>();
  /** those of a TLS server, whose own list lacks the ones that are still in their handshake */
  readonly #encrypted = new Set<Socket>();
  #look: NodeJS.Timeout | undefined;

  constructor(server: Server, isTls: boolean) {
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
    const now = performance.now();
    for (const activity of this.#carriers.values()) activity.at = now;
    this.#look ??= setInterval(() => this.#closeSilent(performance.now()), lookMs);
    const ends = [...this.#carriers.keys()].map(
      (socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    return Promise.all(ends).then(() => undefined);
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const socket of this.#carriers.keys()) socket.destroy();
    for (const socket of this.#encrypted) socket.destroy();
  }

  /** Looks at them no more. */
  stop(): void {
    clearInterval(this.#look);
  }

  #track(socket: Socket): void {
    this.#carriers.set(socket, { bytesRead: 0, at: performance.now() });
    socket.once("close", () => this.#carriers.delete(socket));
  }

  #trackEncrypted(socket: Socket): void {
    this.#encrypted.add(socket);
    socket.once("close", () => this.#encrypted.delete(socket));
  }

  #closeSilent(now: number): void {
    for (const [socket, activity] of this.#carriers) {
      const { bytesRead } = socket;
      const isSilent = bytesRead === activity.bytesRead && answerInProgress(socket) === undefined;
      if (!isSilent) {
        activity.bytesRead = bytesRead;
        activity.at = now;
      } else if (now - activity.at >= silenceMs) {
        socket.destroySoon();
      }
    }
  }
}

/**
 * The answer that a connection waits for. Node keeps it in a field of the socket, where its own
 * handler of malformed requests looks as well.
 */
export function answerInProgress(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
