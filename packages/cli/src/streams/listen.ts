// A port or a Unix socket of this machine that leads to a service behind the gateway, each
// connection by a stream of its own, until somebody ends the command.
import { once } from "node:events";
import { lstatSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { constants } from "node:os";
import { CliError, reasonOf } from "../exit-status.ts";
import { isOpenToOthers, type ListenAddress, shownAddress } from "./listen-address.ts";
import { type RelayParts, relay } from "./relay.ts";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Listens and carries until a signal ends it, and tells how many connections that cut.
 * @returns the exit status: 128 and the signal's number
 * @throws {CliError} failure where the address cannot be listened on
 */
export async function listen(parts: RelayParts, address: ListenAddress): Promise<number> {
  const { log, target } = parts;
  const connections = new Set<AbortController>();
  const server = await startServer(address, (socket) => {
    const connection = new AbortController();
    connections.add(connection);
    void serve(parts, socket, connection.signal).finally(() => connections.delete(connection));
  });

  const signalled = firstSignal();
  const { host } = target.app;
  if (isOpenToOthers(address))
    log("warn", `Other machines that reach ${shownAddress(address)} use ${host} as you.`);
  log(
    "info",
    `Listening on ${shownAddress(boundAddress(server, address))} for ${host}; Ctrl-C ends it.`,
  );

  const signal = await signalled;
  server.close();
  for (const connection of connections) connection.abort();
  const cut = connections.size === 1 ? "1 connection was" : `${connections.size} connections were`;
  log("info", `Ended; ${cut} cut.`);
  return 128 + constants.signals[signal];
}

/** One connection. Whatever goes wrong with it ends it alone. */
async function serve(parts: RelayParts, socket: Socket, signal: AbortSignal): Promise<void> {
  const { log, target } = parts;
  socket.on("error", () => socket.destroy());
  const cut = () => socket.destroy();
  signal.addEventListener("abort", cut, { once: true });
  log("debug", `a connection to ${target.app.host} began`);
  try {
    const end = await relay(parts, { input: socket, output: socket }, true, signal);
    if (end.ok) {
      socket.destroySoon();
      log("debug", `a connection to ${target.app.host} ended`);
      return;
    }
    reset(socket);
    log("error", `A connection to ${target.app.host} was cut: ${end.reason}.`);
  } catch (error) {
    reset(socket);
    if (!signal.aborted) log("error", `No connection to ${target.app.host}: ${reasonOf(error)}`);
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

async function startServer(
  address: ListenAddress,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  // Not read until the stream is there: what comes first is not to be kept here.
  const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
  const server = createServer(options, onConnection);
  if (address.kind === "path") await removeDeadSocket(address.path);
  try {
    bind(server, address);
    await once(server, "listening");
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      "failure",
      `${shownAddress(address)} cannot be listened on (${code}); ${remedyFor(code)}`,
    );
  }
}

function remedyFor(code: string | undefined): string {
  if (code === "EADDRINUSE") return "another program does; choose another one with --url";
  return "choose another one with --url";
}

/** A socket of a path is for its owner alone from the moment that it is there. */
function bind(server: Server, address: ListenAddress): void {
  if (address.kind === "port") {
    server.listen(address.port, address.host);
    return;
  }
  const umask = process.umask(0o177);
  try {
    server.listen(address.path);
  } finally {
    process.umask(umask);
  }
}

/** A socket that a process left behind, and that nobody listens on, is in the way. */
async function removeDeadSocket(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  if (!isSocket) return;
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === "ECONNREFUSED") rmSync(path, { force: true });
}

/** With the port that the system chose where none was asked for. */
function boundAddress(server: Server, address: ListenAddress): ListenAddress {
  const bound = server.address();
  if (address.kind === "path" || bound === null || typeof bound === "string") return address;
  return { ...address, port: bound.port };
}
