// Forward proxies as the environment names them. Everything that leaves this machine is https, so a
// proxy is only ever asked to open a tunnel (CONNECT, RFC 9110 section 9.3.6): it sees the host and
// nothing else.
import http from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";
import tls from "node:tls";
import { isLoopbackHost } from "@postern/protocol";
import { CliError } from "../exit-status.ts";

/**
 * The proxy for this URL; undefined for none. Loopback names never go through one.
 * @throws {CliError} usage when the environment names something that is no proxy
 */
export function proxyFor(environment: NodeJS.ProcessEnv, url: URL): URL | undefined {
  const variable = (name: string) =>
    environment[name.toLowerCase()] || environment[name] || undefined;
  const text =
    variable(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? variable("ALL_PROXY");
  if (
    text === undefined ||
    isLoopbackHost(url.hostname) ||
    isExempt(variable("NO_PROXY") ?? "", url)
  )
    return undefined;
  const withScheme = text.includes("://") ? text : `http://${text}`;
  const proxy = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (proxy === undefined || (proxy.protocol !== "http:" && proxy.protocol !== "https:")) {
    // Not repeated: it may hold a password.
    throw new CliError(
      "usage",
      "the proxy in HTTPS_PROXY is not an http or https URL; mend or unset it",
    );
  }
  return proxy;
}

/**
 * `NO_PROXY`: host names that cover what is below them, with or without a leading dot, a port, or
 * `*`.
 */
function isExempt(list: string, url: URL): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      // A colon before a port; an IPv6 address has others.
      const [, name = entry, wantedPort] = /^(\[.*\]|[^:]+):(\d+)$/.exec(entry) ?? [];
      const suffix = name.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
      if (wantedPort !== undefined && wantedPort !== port) return false;
      const host = url.hostname.replace(/^\[|\]$/g, "");
      return host === suffix || host.endsWith(`.${suffix}`);
    });
}

/**
 * A TLS connection to the URL's host through the proxy.
 * @param timeout milliseconds
 * @throws {CliError} unreachable when the proxy refuses
 */
export function openTunnel(
  proxy: URL,
  target: URL,
  timeout: number,
  ca: string[] | undefined,
): Promise<Socket> {
  const port = target.port || "443";
  const name = `${proxy.protocol}//${proxy.host}`;
  const credentials = `${unescaped(proxy.username)}:${unescaped(proxy.password)}`;
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const trust = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
  return new Promise((resolve, reject) => {
    const request = (proxy.protocol === "https:" ? https : http).request({
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
      method: "CONNECT",
      path: `${target.hostname}:${port}`,
      agent: false,
      timeout,
      headers: {
        Host: `${target.hostname}:${port}`,
        ...(proxy.username === ""
          ? {}
          : { "Proxy-Authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }),
      },
      ...trust,
    });
    const fail = (why: string) =>
      reject(
        new CliError("unreachable", `the proxy ${name} ${why}; check HTTPS_PROXY and NO_PROXY`),
      );
    request.on("connect", (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        fail(`refused to open a tunnel to ${target.host} (${response.statusCode})`);
        return;
      }
      // An address is no server name (RFC 6066 section 3); the certificate must hold it all the
      // same.
      const secured = tls.connect({
        socket,
        ...(isIP(host) === 0 ? { servername: host } : { host }),
        ...trust,
      });
      secured.setTimeout(timeout, () =>
        secured.destroy(new Error(`no TLS with ${target.host} in time`)),
      );
      secured.once("error", reject);
      secured.once("secureConnect", () => {
        secured.setTimeout(0);
        secured.off("error", reject);
        resolve(secured);
      });
    });
    request.on("timeout", () => request.destroy(new Error("did not answer in time")));
    request.on("error", (error: NodeJS.ErrnoException) =>
      fail(`cannot be reached (${error.code ?? error.message})`),
    );
    request.end();
  });
}

/** A password that holds a bare `%` is taken as it stands. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
