// Why a host cannot be asked, in one line for a person: what failed, and what to do about it.
import { isLoopbackHost } from "@postern/protocol/host";
import { printable } from "@postern/protocol/printable";
import { CliError } from "../exit-status.ts";
import { withoutSecrets } from "./debug.ts";

/**
 * Plain http never leaves this machine.
 * @throws {CliError} unverified
 */
export function refuseUnsafe(url: URL): void {
  const { protocol, hostname, href } = url;
  if (protocol === "https:" || (protocol === "http:" && isLoopbackHost(hostname))) return;
  const shownUrl = printable(withoutSecrets(href).slice(0, 200));
  throw new CliError("unverified", `${shownUrl} is not an https URL; nothing was sent there`);
}

/**
 * The faults of an answer that is no TLS at all. Node gives OpenSSL's reason as a code of its own,
 * or as EPROTO with the reason in the message; its words differ between OpenSSL 3.0 and 3.5.
 */
const notTls = /wrong.version.number|(?:packet|data).length.too.long/i;

/** @returns undefined where TLS is not what failed */
function tlsFault(url: URL, { code = "", message }: NodeJS.ErrnoException): CliError | undefined {
  if (code !== "EPROTO" && !code.startsWith("ERR_SSL_")) return undefined;
  const origin = `${url.protocol}//${url.host}`;
  if (!notTls.test(`${code} ${message}`))
    return new CliError(
      "unreachable",
      `${origin} and this program cannot agree on TLS; ask whoever runs it to check its certificate and that it takes TLS 1.2 or newer`,
    );
  if (!isLoopbackHost(url.hostname))
    return new CliError("unreachable", `${origin} does not speak TLS; check the host and the port`);
  const address = `${url.hostname}:${url.port || "443"}`;
  return new CliError(
    "unreachable",
    `${origin} does not speak TLS; if it is plain HTTP on this machine, write http://${address}`,
  );
}

const untrusted = /^(?:UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT)/;

/** The error for a connection that did not come about, or broke. */
export function unreachable(url: URL, error: NodeJS.ErrnoException): CliError {
  const { code = "", message } = error;
  const origin = `${url.protocol}//${url.host}`;
  const fault = tlsFault(url, error);
  if (fault !== undefined) return fault;
  if (untrusted.test(code))
    return new CliError(
      "unverified",
      `the certificate of ${origin} is not trusted (${code}); if it comes from an authority of your own, name that with --ca-file FILE`,
    );
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new CliError(
      "unreachable",
      `cannot resolve ${url.hostname} (${code}); check the name and the network`,
    );
  if (code === "ECONNREFUSED")
    return new CliError(
      "unreachable",
      `nothing answers at ${origin}; check the address, and that the gateway is running`,
    );
  return new CliError(
    "unreachable",
    `${origin} cannot be reached: ${printable((message || code).slice(0, 200))}`,
  );
}
