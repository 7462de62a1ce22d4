// What takes a request, as one text in the words of cloudflared: `http://10.0.0.5:3000`,
// `tcp://10.0.0.7:5432`, `bastion`, `http_status:404`.
import type { BastionDestination } from "./bastion-destination.ts";
import type { FixedAnswer } from "./fixed-answer.ts";
import { formatTcpAddress, readTcpAddress } from "./tcp-address.ts";
import { isBareAddress, refuse, text } from "./values.ts";

/** The schemes of services that carry bytes in place of requests (wire-protocol 10). */
export type StreamScheme = "tcp" | "ssh" | "rdp" | "smb";

/**
 * What takes a request: an origin over TCP or a Unix socket; for the bytes of a WebSocket, one
 * address, or one that the client names; or the gateway with a bare status.
 */
export type IngressService =
  | { kind: "http"; origin: string }
  | { kind: "unix"; path: string; tls: boolean }
  /** @see TcpAddress for `host` */
  | { kind: "stream"; scheme: StreamScheme; host: string; port: number }
  | { kind: "bastion"; destinations: readonly BastionDestination[] }
  | { kind: "status"; status: number; answer?: FixedAnswer };

/** Whether a service is reached by the bytes of a WebSocket (wire-protocol 10). */
export function carriesBytes({ kind }: IngressService): boolean {
  return kind === "stream" || kind === "bastion";
}

/** The ports that need not be written. */
const standardPorts: Readonly<Record<string, number>> = { ssh: 22, rdp: 3389, smb: 445 };

const laterServices = /^(?:socks|hello[-_]world)\b/;

/** Reads a service. */
export const service = text((source): IngressService => {
  const status = /^http_status:([2-5]\d\d)$/.exec(source)?.[1];
  if (status !== undefined) return { kind: "status", status: Number(status) };

  const [, tls, socket] = /^unix(\+tls)?:(.+)$/.exec(source) ?? [];
  if (socket !== undefined) return { kind: "unix", path: socket, tls: tls !== undefined };

  // WebSockets begin as HTTP, and cloudflared has names of its own for their origins.
  const url = source.replace(/^ws(s?):\/\//, "http$1://");
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return httpService(new URL(url));

  const [, scheme, rest = ""] = /^(tcp|ssh|rdp|smb):\/\/(.*)$/s.exec(source) ?? [];
  if (scheme !== undefined) return streamService(scheme as StreamScheme, rest);
  // Its list has a field of its own, and is put in where the rule is read.
  if (source === "bastion") return { kind: "bastion", destinations: [] };

  if (laterServices.test(source))
    refuse(
      "is a kind of service that is not supported yet; write http://, https://, unix:, tcp://, ssh://, rdp://, smb://, bastion or http_status:",
    );
  const example =
    "write http://10.0.0.5:3000, https://…, unix:/path, unix+tls:/path, tcp://10.0.0.7:5432, ssh://…, rdp://…, smb://…, bastion or http_status:404";
  return refuse("is not a service", { own: serviceMeant(source) ?? example, example });
});

function httpService(url: URL): IngressService {
  const { origin, pathname, search, hash, username, password } = url;
  if (!isConnectable(url)) {
    const example = "write it like http://10.0.0.5:3000";
    return refuse("names no host and port to connect to", { own: example, example });
  }
  if (pathname === "/" && search + hash + username + password === "")
    return { kind: "http", origin };
  const own = username + password === "" ? `write ${origin}` : undefined;
  const example = "leave the rest out";
  return refuse(
    "must be scheme, host and port alone, without path, query or user: requests keep the path they came with",
    { own: own ?? example, example },
  );
}

/** `*` and port 0 may stand in a URL, and lead nowhere. */
function isConnectable({ hostname, port }: URL): boolean {
  return port !== "0" && /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/.test(hostname);
}

function streamService(scheme: StreamScheme, rest: string): IngressService {
  // 1. The address, with a port that may go without saying.
  const authority = rest.replace(/\/$/, "");
  const standardPort = standardPorts[scheme];
  const hasPort = /:\d*$/.test(authority.replace(/^\[.*\]/, ""));
  const isComplete = hasPort || standardPort === undefined;
  const address = readTcpAddress(isComplete ? authority : `${authority}:${standardPort}`);
  if (address !== undefined) return { kind: "stream", scheme, ...address };

  // 2. What is wrong with it.
  if (!hasPort && readTcpAddress(`${authority}:1`) !== undefined)
    return refuse("has no port", {
      own: `write it like tcp://${authority}:5432`,
      example: "write it like tcp://10.0.0.7:5432",
    });
  const [, bare = ""] = /^([^/?#@]*)[/?#]/.exec(authority) ?? [];
  const meant = readTcpAddress(bare);
  const example = `write it like ${scheme}://10.0.0.7:${standardPort ?? 5432}`;
  const own = meant === undefined ? example : `write ${scheme}://${formatTcpAddress(meant)}`;
  return refuse("must be scheme, host and port alone, without path, query or user", {
    own,
    example,
  });
}

/** Ports at which something else than HTTP usually listens. */
const knownPorts: Readonly<Record<string, StreamScheme>> = {
  "22": "ssh",
  "445": "smb",
  "1433": "tcp",
  "3306": "tcp",
  "3389": "rdp",
  "5432": "tcp",
  "6379": "tcp",
  "27017": "tcp",
};

function serviceMeant(source: string): string | undefined {
  if (/^[2-5]\d\d$/.test(source)) return `write http_status:${source}`;
  if (/^\d{1,5}$/.test(source)) return `write ${schemeOf(source)}://127.0.0.1:${source}`;
  if (source.startsWith("/")) return `write unix:${source}`;
  if (/^bastion[:/]/.test(source)) return "write bastion";
  const [, address] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@\s]+)(?:[/?#].*)?$/i.exec(source) ?? [];
  const tcpAddress = readTcpAddress(address ?? "");
  if (tcpAddress !== undefined) return `write tcp://${formatTcpAddress(tcpAddress)}`;
  if (!isBareAddress(source)) return undefined;
  const [bare = ""] = source.split("/", 1);
  return `write ${schemeOf(bare.split(":")[1] ?? "")}://${bare}`;
}

function schemeOf(port: string): string {
  return knownPorts[port] ?? "http";
}
