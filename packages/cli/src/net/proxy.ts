// Forward proxies as the environment names them. Everything that leaves this machine is https, so a
// proxy is only ever asked to open a tunnel (CONNECT, RFC 9110 9.3.6): it sees the host and nothing
// else.
import type { IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import { BlockList, isIP, type Socket } from "node:net";
import { isLoopbackHost, withoutBrackets } from "@postern/protocol/host";
import { portOf } from "../app-url.ts";
import type { Network } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { dialFor, tunnelAuthority } from "./network.ts";
import { startTls, type Trust } from "./start-tls.ts";

/**
 * The proxy for this URL; undefined for none. Loopback names never go through one.
 * @throws {CliError} usage when the environment names something that is no proxy
 */
export function proxyFor(
  environment: NodeJS.ProcessEnv,
  url: URL,
  network: Network | undefined,
): URL | undefined {
  const variable = (name: string) =>
    environment[name.toLowerCase()] || environment[name] || undefined;
  const forScheme = variable(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  const text = network?.proxy ?? forScheme ?? variable("ALL_PROXY");
  if (!text || isLoopbackHost(url.hostname)) return undefined;
  if (isExempt(network?.noProxy ?? variable("NO_PROXY") ?? "", url)) return undefined;
  const proxy = readProxy(text);
  return network?.proxyUser === undefined ? proxy : withUser(proxy, network.proxyUser);
}

/** @param user `name:password`, as curl's `-U` takes it */
function withUser(proxy: URL, user: string): URL {
  const [, name = "", password = ""] = /^([^:]*):?(.*)$/s.exec(user) ?? [];
  const changed = new URL(proxy);
  changed.username = encodeURIComponent(name);
  changed.password = encodeURIComponent(password);
  return changed;
}

function readProxy(text: string): URL {
  const withScheme = text.includes("://") ? text : `http://${text}`;
  const proxy = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (proxy?.protocol === "http:" || proxy?.protocol === "https:") return proxy;
  // The text is not repeated: it may hold a password.
  throw new CliError(
    "usage",
    "the proxy in HTTPS_PROXY is not an http or https URL; correct or unset it",
  );
}

/** @param list as in `NO_PROXY`: entries between commas or spaces */
function isExempt(list: string, url: URL): boolean {
  const entries = list.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== "" && exempts(entry, url));
}

/**
 * An entry is `*`, or a host name that covers what is below it, with or without a leading dot or
 * `*.` and a port.
 */
function exempts(entry: string, url: URL): boolean {
  if (entry === "*") return true;
  // A colon before a port; an IPv6 address has others.
  const [, name = entry, port] = /^(\[.*\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (port !== undefined && Number(port) !== portOf(url)) return false;
  const host = withoutBrackets(url.hostname);
  if (isInNetwork(host, name)) return true;
  const suffix = withoutBrackets(name.replace(/^\*?\./, ""));
  return host === suffix || host.endsWith(`.${suffix}`);
}

/** Whether the host is an address in a network such as `10.0.0.0/8`. */
function isInNetwork(host: string, entry: string): boolean {
  const [, network = "", bits] = /^(.*)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(withoutBrackets(network));
  const longest = family === 4 ? 32 : 128;
  if (family === 0 || isIP(host) !== family || Number(bits) > longest) return false;
  const list = new BlockList();
  const kind = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(withoutBrackets(network), Number(bits), kind);
  return list.check(host, kind);
}

/**
 * A TLS connection to the URL's host through the proxy.
 * @param timeout milliseconds
 * @param ca authorities to trust, for the proxy and for the host
 * @param network how the proxy is reached, and what it is asked for in the host's place
 * @throws {CliError} unreachable when the proxy refuses
 */
export async function openTunnel(
  proxy: URL,
  target: URL,
  timeout: number,
  ca: string[],
  network: Network | undefined,
): Promise<Socket> {
  const trust: Trust = { rejectUnauthorized: true, ca };
  const socket = await connectThrough(proxy, target, timeout, trust, network);
  return startTls(socket, target, timeout, trust);
}

/**
 * A connection to the URL's host through the proxy, without TLS.
 * @param timeout milliseconds
 * @throws {CliError} unreachable when the proxy refuses
 */
export function connectThrough(
  proxy: URL,
  target: URL,
  timeout: number,
  trust: Trust,
  network: Network | undefined,
): Promise<Socket> {
  const authority = tunnelAuthority(target, network);
  const name = withoutBrackets(proxy.hostname);
  const servername = isIP(name) === 0 ? { servername: name } : {};
  const { request: open } = proxy.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = open({
      ...dialFor(proxy, network),
      ...servername,
      method: "CONNECT",
      path: authority,
      agent: false,
      timeout,
      headers: { Host: authority, ...credentialsOf(proxy) },
      ...trust,
    });
    request.on("connect", ({ statusCode }: IncomingMessage, socket: Socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(proxyFailure(proxy, `refused to open a tunnel to ${target.host} (${statusCode})`));
    });
    request.on("timeout", () => request.destroy(new Error("did not answer in time")));
    request.on("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(proxyFailure(proxy, `cannot be reached (${code ?? message})`)),
    );
    request.end();
  });
}

function proxyFailure({ protocol, host }: URL, why: string): CliError {
  return new CliError(
    "unreachable",
    `the proxy ${protocol}//${host} ${why}; check HTTPS_PROXY and NO_PROXY`,
  );
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const credentials = Buffer.from(`${unescaped(username)}:${unescaped(password)}`);
  return { "Proxy-Authorization": `Basic ${credentials.toString("base64")}` };
}

/** A password that holds a bare `%` is taken as it stands. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
