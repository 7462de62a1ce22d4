// The file of a Unix socket: whoever can open it has the use of the credential. So it is its
// owner's alone, in a directory where nobody else can put another in its place.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { CliError } from "../exit-status.ts";

const otherUsersMayWrite = 0o022;
const everybodyMayWrite = 0o002;
const sticky = 0o1000;

/**
 * Listens on the path. The socket of a process that has ended is taken over.
 * @throws {CliError} usage, where the path cannot be ours alone
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  preparePlace(dirname(path));
  await clearPath(path);
  // Bound with this mask, it is nobody else's from its first moment on.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw unusable(path, `cannot be listened on (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
}

/** The directory is made where it is missing; one in which others can replace files is refused. */
function preparePlace(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(directory, `cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
  const itself = statSync(directory);
  if (!isOurs(itself) || othersReplace(itself, otherUsersMayWrite)) throw replaceable(directory);
  // Whoever can replace what is above, or a link on the way, can replace all of it.
  for (const path of [directory, realpathSync(directory)]) refuseReplaceable(path);
}

function refuseReplaceable(path: string): void {
  const status = lstatSync(path);
  const isLink = status.isSymbolicLink();
  // A group may be its one member's own.
  if (!isOurs(status) || (!isLink && othersReplace(status, everybodyMayWrite)))
    throw replaceable(path);
  const parent = dirname(path);
  if (parent !== path) refuseReplaceable(parent);
}

function isOurs({ uid }: Stats): boolean {
  return uid === process.getuid?.() || uid === 0;
}

/** @param forbidden permission bits; in a sticky folder each owner's entries are safe */
function othersReplace({ mode }: Stats, forbidden: number): boolean {
  return (mode & forbidden) !== 0 && (mode & sticky) === 0;
}

function replaceable(path: string): CliError {
  const why = "can be changed by other users, who could put a socket of theirs in its place";
  return unusable(path, why);
}

/** Removes what a process that was killed left behind, and nothing else. */
async function clearPath(path: string): Promise<void> {
  const status = statusOf(path);
  if (status === undefined) return;
  if (!status.isSocket()) throw unusable(path, "is there already and no socket");
  if (await answers(path)) throw unusable(path, "is in use by another process");
  try {
    unlinkSync(path);
  } catch (error) {
    throw unusable(path, `cannot be replaced (${(error as NodeJS.ErrnoException).code})`);
  }
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Only a socket without a listener is dead; one that is another user's is alive to somebody.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED"));
  });
}

function unusable(path: string, why: string): CliError {
  return new CliError("usage", `${path} ${why}; choose another path for --url unix:PATH`);
}
