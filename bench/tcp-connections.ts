// Which process of a gateway holds which connections, as Linux tells.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { childrenOf } from "./usage.ts";

const established = "01";

/**
 * @returns of each process of the gateway that holds connections to its port, by its id: the ports
 * of the clients at the other ends
 */
export function connectionsByProcess({
  pid,
  port,
}: {
  pid: number;
  port: number;
}): Map<number, ReadonlySet<number>> {
  const clients = clientsByInode(port);
  const processes = new Map<number, ReadonlySet<number>>();
  for (const each of [pid, ...childrenOf(pid)]) {
    const ports = socketsOf(each).flatMap((inode) => clients.get(inode) ?? []);
    if (ports.length > 0) processes.set(each, new Set(ports));
  }
  return processes;
}

/** The inodes of the sockets that a process has open. */
function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    const inode = /^socket:\[(\d+)\]$/.exec(linkAt(`${folder}/${name}`))?.[1];
    return inode === undefined ? [] : [inode];
  });
}

/** @returns "" when it was closed meanwhile */
function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Of the connections that a port of this machine has accepted. */
function clientsByInode(port: number): Map<string, number> {
  const clients = new Map<string, number>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1)) {
    const [, local = "", remote = "", state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state === established && portOf(local) === port) clients.set(inode, portOf(remote));
  }
  return clients;
}

/** @param address `0100007F:1F90` */
function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(":") + 1), 16);
}
