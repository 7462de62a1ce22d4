// Where the local proxy listens, read from `--url`: a port of this machine, or a Unix socket.
import { isLoopbackHost, isPort, parseAuthority, withoutBrackets } from "@postern/protocol/host";
import { CliError } from "../exit-status.ts";

export type ListenPlace =
  /** @property hosts addresses to listen on; @property port 0 for any that is free */
  { kind: "tcp"; addresses: readonly string[]; port: number } | { kind: "unix"; path: string };

/** Both, because programs try either of them first for `localhost`: nobody else must have it. */
const localhost = ["127.0.0.1", "::1"];

/** sun_path of Linux, without its final NUL; macOS has four bytes fewer. */
const longestPath = 103;

/**
 * Reads `localhost:8080`, `127.0.0.1:8080`, `[::1]:8080`, each with `http://` as well, or
 * `unix:/path`. Port 0 is any that is free.
 * @throws {CliError} usage
 */
export function readListenPlace(text: string): ListenPlace {
  if (text.startsWith("unix:"))
    return unixPlace(text.slice("unix:".length).replace(/^\/\/(?=\/)/, ""));
  const { host, port } = parseAuthority(text.replace(/^http:\/\//i, "").replace(/\/$/, "")) ?? {};
  if (host === undefined || port === undefined || (port !== 0 && !isPort(port)))
    throw badPlace(text, "is no place to listen at");
  if (!isLoopbackHost(host))
    throw badPlace(
      text,
      "is not on this machine alone, and whoever reaches it could use your session",
    );
  const isName = host.endsWith("localhost");
  return { kind: "tcp", addresses: isName ? localhost : [withoutBrackets(host)], port };
}

/** A free port of this machine. */
export const anyPort: ListenPlace = { kind: "tcp", addresses: localhost, port: 0 };

/** The same for one that is told the address, and not the name. */
export const oneAddress: ListenPlace = { kind: "tcp", addresses: ["127.0.0.1"], port: 0 };

function unixPlace(path: string): ListenPlace {
  if (process.platform === "win32")
    throw new CliError(
      "usage",
      "Unix sockets are not supported on Windows; use --url localhost:PORT",
    );
  if (!path.startsWith("/")) throw badPlace(`unix:${path}`, "has no absolute path");
  if (Buffer.byteLength(path) > longestPath)
    throw badPlace(`unix:${path}`, `has a path of more than ${longestPath} bytes`);
  return { kind: "unix", path };
}

function badPlace(text: string, why: string): CliError {
  return new CliError(
    "usage",
    `--url ${text.slice(0, 120)} ${why}; write it like localhost:8080 or unix:/run/user/1000/api.sock`,
  );
}
