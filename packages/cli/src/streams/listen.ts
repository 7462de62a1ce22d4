// A port or a Unix socket of this machine that leads to a service behind the gateway, each
// connection by a stream of its own, until somebody ends the command.
import { createServer, type Server, type Socket } from "node:net";
import { constants } from "node:os";
import { reasonOf } from "../exit-status.ts";
import { listenOnPort } from "../listening/listen-on-port.ts";
import { isOwnPeer } from "../listening/peer-owner.ts";
import { listenOnSocket } from "../listening/unix-socket.ts";
import { isOpenToOthers, type ListenAddress, shownAddress } from "./listen-address.ts";
import { type RelayParts, relay } from "./relay.ts";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Listens and carries until a signal ends it, and tells how many connections that cut.
 * @returns the exit status: 128 and the signal's number
 * @throws {CliError} usage where the address cannot be listened on
 */
export async function listen(parts: RelayParts, address: ListenAddress): Promise<number> {
  const { log, target } = parts;
  const connections = new Set<AbortController>();
  const { servers, address: bound } = await startServers(address, (socket) => {
    if (isForOwnUser(address) && !isOwnPeer(socket)) return refuseStranger(socket, log);
    const connection = new AbortController();
    connections.add(connection);
    void serve(parts, socket, connection.signal).finally(() => connections.delete(connection));
  });
  const signalled = firstSignal();
  const { host } = target.app;
  if (isOpenToOthers(bound))
    log("warn", `Other machines that reach ${shownAddress(bound)} use ${host} as you.`);
  log("info", `Listening on ${shownAddress(bound)} for ${host}; Ctrl-C ends it.`, {
    event: "ready",
    application: target.app.origin,
    address: shownAddress(bound),
  });

  const signal = await signalled;
  for (const server of servers) server.close();
  for (const connection of connections) connection.abort();
  const cut = connections.size === 1 ? "1 connection was" : `${connections.size} connections were`;
  log("info", `Ended; ${cut} cut.`, { event: "ended", cut: connections.size });
  return 128 + constants.signals[signal];
}

/**
 * Whether only this user may connect. A Unix socket is its owner's by its mode, and an address that
 * other machines reach is for others.
 */
function isForOwnUser(address: ListenAddress): boolean {
  return address.kind === "port" && !isOpenToOthers(address);
}

function refuseStranger(socket: Socket, log: RelayParts["log"]): void {
  socket.on("error", () => socket.destroy());
  reset(socket);
  const reason = "it is another user's of this machine";
  log("warn", `A connection was refused: ${reason}.`, { event: "connection_closed", reason });
}

/** One connection. Whatever goes wrong with it ends it alone. */
async function serve(parts: RelayParts, socket: Socket, signal: AbortSignal): Promise<void> {
  const { log, target } = parts;
  socket.on("error", () => socket.destroy());
  const cut = () => socket.destroy();
  signal.addEventListener("abort", cut, { once: true });
  const { host } = target.app;
  log("debug", `a connection to ${host} began`, { event: "connection_opened" });
  try {
    const end = await relay(parts, { input: socket, output: socket }, true, signal);
    if (end.ok) {
      socket.destroySoon();
      log("debug", `a connection to ${host} ended`, { event: "connection_closed" });
      return;
    }
    reset(socket);
    const { reason } = end;
    log("error", `A connection to ${host} was cut: ${reason}.`, {
      event: "connection_closed",
      reason,
    });
  } catch (error) {
    reset(socket);
    if (signal.aborted) return;
    const reason = reasonOf(error);
    log("error", `No connection to ${host}: ${reason}`, { event: "connection_closed", reason });
  }
}

/** An end that the other side cannot take for the orderly one. */
function reset(socket: Socket): void {
  const isTcp = socket.remoteFamily !== undefined;
  if (isTcp) socket.resetAndDestroy();
  else socket.destroy();
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of endings) process.once(signal, resolve);
  });
}

interface Listening {
  servers: Server[];
  /** with the port that the system chose where none was asked for */
  address: ListenAddress;
}

/** @throws {CliError} usage where the address cannot be listened on */
async function startServers(
  address: ListenAddress,
  onConnection: (socket: Socket) => void,
): Promise<Listening> {
  // Not read until the stream is there: what comes first is not to be kept here.
  const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
  const makeServer = () => createServer(options, onConnection);
  if (address.kind === "port") {
    const { servers, port } = await listenOnPort(makeServer, address.addresses, address.port);
    return { servers, address: { ...address, port } };
  }
  const server = makeServer();
  await listenOnSocket(server, address.path);
  return { servers: [server], address };
}
