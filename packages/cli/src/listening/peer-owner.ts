// Whose process is at the other end of a connection over loopback: every user of a machine can
// connect to a port, and the credential is one person's. Linux lists who owns each connection
// (proc_net_tcp(5)); elsewhere there is no cheap way to know.
import { readFileSync } from "node:fs";
import { isIPv4, type Socket } from "node:net";

/** Whether this system says who owns a connection. */
export const knowsPeers = process.platform === "linux";

/** The two ends of a connection, as the one who connected sees them. */
export interface PeerEnds {
  address: string;
  port: number;
  /** where it connected to */
  to: { address: string; port: number };
}

/**
 * Whether the connection is of this process's own user, or of root, who can read everything anyway.
 * One that is not in the list any more is nobody's.
 */
export function isOwnPeer({ remoteAddress, remotePort, localAddress, localPort }: Socket): boolean {
  if (!knowsPeers) return true;
  if (remoteAddress === undefined || remotePort === undefined) return false;
  if (localAddress === undefined || localPort === undefined) return false;
  const to = { address: localAddress, port: localPort };
  const owner = ownerIn(readTables(), { address: remoteAddress, port: remotePort, to });
  return owner === 0 || owner === process.getuid?.();
}

function readTables(): string {
  return ["tcp", "tcp6"].map((name) => readTable(`/proc/self/net/${name}`)).join("\n");
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * The user whose connection it is. One that its process has closed has no inode any more, and is
 * listed as root's: whoever closed it, it is nobody's.
 * @param tables the text of /proc/net/tcp and tcp6
 * @returns undefined where it is not listed
 */
export function ownerIn(tables: string, { address, port, to }: PeerEnds): number | undefined {
  const ends = formsOf(address, port).flatMap((from) =>
    formsOf(to.address, to.port).map((target) => `${from} ${target}`),
  );
  for (const line of tables.split("\n")) {
    const [, from, target, , , , , user, , inode] = line.trim().split(/\s+/);
    if (ends.includes(`${from} ${target}`)) return inode === "0" ? undefined : Number(user);
  }
  return undefined;
}

/** An end as the tables write it: of IPv4 also as IPv6 has it, for programs that use only that. */
function formsOf(address: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  if (!isIPv4(address)) return [wordsOf(ipv6Bytes(address)) + suffix];
  const bytes = address.split(".").map(Number);
  const mapped = [...Array(10).fill(0), 0xff, 0xff, ...bytes];
  return [wordsOf(bytes) + suffix, wordsOf(mapped) + suffix];
}

/** Bytes in words of 32 bits, each with its last byte first. */
function wordsOf(bytes: number[]): string {
  const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  const words = Array.from({ length: bytes.length / 4 }, (_, index) =>
    bytes.slice(4 * index, 4 * index + 4),
  );
  const ordered = isLittleEndian ? words.map((word) => word.reverse()) : words;
  return Buffer.from(ordered.flat()).toString("hex").toUpperCase();
}

/** Of the one IPv6 address that means this machine; of any other, bytes that are in no table. */
function ipv6Bytes(address: string): number[] {
  const last = address === "::1" ? 1 : 0xff;
  return [...Array(15).fill(0), last];
}
