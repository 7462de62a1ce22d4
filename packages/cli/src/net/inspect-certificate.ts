// Looks at the certificate of a host, good or bad. Nothing is sent over the connection, and it is
// closed at once: it is trusted by nobody.
import { isIP, type Socket } from "node:net";
import tls, { type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { withoutBrackets } from "@postern/protocol/host";
import type { Context } from "../context.ts";
import { trustedCertificates } from "./certificate-authorities.ts";
import { dialFor } from "./network.ts";
import { connectThrough, proxyFor } from "./proxy.ts";
import { requestTimeout } from "./request-timeout.ts";

export interface CertificateFacts {
  /** OpenSSL's or Node's code for what is wrong with it; undefined where it is trusted */
  fault: string | undefined;
  /** who vouches for it: the last name of the chain */
  authority: string;
  /** the names that it is for */
  names: string;
  /** milliseconds since the epoch */
  from: number;
  until: number;
}

/**
 * @returns undefined where there is no TLS connection to be had
 * @throws {CliError} usage | unreachable: a file of authorities, or the proxy
 */
export async function inspectCertificate(
  context: Context,
  url: URL,
): Promise<CertificateFacts | undefined> {
  const timeout = requestTimeout(context);
  const ca = trustedCertificates(context);
  const proxy = proxyFor(context.environment, url, undefined);
  const trust = { rejectUnauthorized: true, ca } as const;
  const socket = proxy && (await connectThrough(proxy, url, timeout, trust, undefined));
  return handshake(url, ca, timeout, socket);
}

/** @param through a connection that leads there; undefined for one of its own */
function handshake(
  url: URL,
  ca: string[],
  timeout: number,
  through: Socket | undefined,
): Promise<CertificateFacts | undefined> {
  const name = withoutBrackets(url.hostname);
  const target = through === undefined ? dialFor(url, undefined) : { socket: through };
  const server = isIP(name) === 0 ? { servername: name } : {};
  return new Promise((resolve) => {
    const socket = tls.connect({ ...target, ...server, ca, rejectUnauthorized: false });
    const end = (facts: CertificateFacts | undefined) => {
      resolve(facts);
      socket.destroy();
    };
    socket.setTimeout(timeout, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.once("secureConnect", () => end(factsOf(socket)));
  });
}

function factsOf(socket: TLSSocket): CertificateFacts {
  const leaf = socket.getPeerCertificate(true);
  // With a chain that is not trusted this is a code, whatever the types say.
  const fault = socket.authorized ? undefined : String(socket.authorizationError);
  return {
    fault: fault?.includes("ERR_TLS_CERT_ALTNAME_INVALID") ? "ERR_TLS_CERT_ALTNAME_INVALID" : fault,
    authority: authorityOf(leaf),
    names: (leaf.subjectaltname ?? "").replaceAll(/(?:DNS|IP Address):/g, "") || "no name",
    from: Date.parse(leaf.valid_from),
    until: Date.parse(leaf.valid_to),
  };
}

/** The chain ends where a certificate vouches for itself, or where the host sends no more. */
function authorityOf(leaf: DetailedPeerCertificate): string {
  let last = leaf;
  while (last.issuerCertificate !== undefined && last.issuerCertificate !== last)
    last = last.issuerCertificate;
  const { O: organization, CN: name } = last.issuer;
  const texts = [organization, name].flat().filter((text) => text !== undefined);
  return texts.join(", ") || "an authority without a name";
}
