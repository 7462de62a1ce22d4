// Where a command listens for local connections, as `--url` says it: `localhost:15432`, a port
// alone, an address of this machine, `unix:PATH`. Without an address it is this machine alone.
import { isIP } from "node:net";
import {
  isLoopbackHost,
  loopbackAddress,
  parseAuthority,
  withoutBrackets,
} from "@postern/protocol/host";
import { CliError } from "../exit-status.ts";

export type ListenAddress =
  /** @property port 0 for any that is free */
  | { kind: "port"; addresses: readonly string[]; port: number }
  /** a Unix socket */
  | { kind: "path"; path: string };

/** Both, because programs try either of them first for `localhost`: nobody else must have it. */
const localhost = ["127.0.0.1", "::1"];

/**
 * Reads the address. A scheme, as the official client takes one, means nothing.
 * @throws {CliError} usage
 */
export function readListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) return readPath(text);
  const bare = text.replace(/^[a-z]+:\/\//i, "").replace(/\/$/, "");
  const isPort = /^:?\d+$/.test(bare);
  const { host = "", port } =
    parseAuthority(isPort ? `localhost:${bare.replace(":", "")}` : bare) ?? {};
  const isName = loopbackAddress(host) !== undefined;
  const address = withoutBrackets(host);
  const isPlace = isName || isIP(address) !== 0;
  if (!isPlace || port === undefined || port > 65_535) throw badAddress(text);
  return { kind: "port", addresses: isName ? localhost : [address], port };
}

function readPath(text: string): ListenAddress {
  const path = text.replace(/^unix:(?:\/\/(?=\/))?/, "");
  if (path === "" || path.includes("\0")) throw badAddress(text);
  return { kind: "path", path };
}

function badAddress(text: string): CliError {
  return new CliError(
    "usage",
    `--url ${text.slice(0, 60)} is not an address to listen on; write it like localhost:15432 or unix:/run/user/1000/db.sock`,
  );
}

/** As messages show it, and as the next command line takes it. */
export function shownAddress(address: ListenAddress): string {
  if (address.kind === "path") return `unix:${address.path}`;
  const [first = "", ...others] = address.addresses;
  if (others.length > 0) return `localhost:${address.port}`;
  const host = isIP(first) === 6 ? `[${first}]` : first;
  return `${host}:${address.port}`;
}

/** Whether other machines may reach it. */
export function isOpenToOthers(address: ListenAddress): boolean {
  if (address.kind === "path") return false;
  return !address.addresses.every(isLoopbackHost);
}
