// Which host and port a request names. Most requests name one of few: what their `Host` says is
// read once.
import { isBracketedAddress, isHostName, parseAuthority, withoutFinalDot } from "@postern/protocol";
import { BoundedCache } from "../bounded-cache.ts";
import { ownCopy } from "../tokens/own-copy.ts";

/** A host, with the port where a client wrote one that is not the default. */
export interface RequestAuthority {
  text: string;
  /** lower-case, no port, no trailing dot */
  host: string;
  port: number | undefined;
}

type Scheme = "http" | "https";

const defaultPorts = { http: 80, https: 443 };
const longestHost = 255;
/** Bounded: anybody may name any host. */
const rememberedHosts = 1_000;

const remembered = {
  http: new BoundedCache<string, RequestAuthority>(rememberedHosts),
  https: new BoundedCache<string, RequestAuthority>(rememberedHosts),
};

/**
 * One `Host`, a name or an address with or without port, and nothing else (cases P7, H11). The
 * default port of the scheme is no port: proxies write it where the client's URL had none.
 * @param values of every `Host`
 */
export function readAuthority(
  values: readonly string[],
  scheme: Scheme,
): RequestAuthority | undefined {
  const [value] = values;
  if (value === undefined || values.length !== 1) return undefined;
  return remembered[scheme].get(value) ?? learnAuthority(value, scheme);
}

function learnAuthority(value: string, scheme: Scheme): RequestAuthority | undefined {
  if (parse(value, scheme) === undefined) return undefined;
  // The value may be a part of a whole head, which is not to stay in memory for it.
  const text = ownCopy(value);
  const authority = parse(text, scheme);
  if (authority !== undefined) remembered[scheme].set(text, authority);
  return authority;
}

function parse(value: string, scheme: Scheme): RequestAuthority | undefined {
  const authority = parseAuthority(value);
  if (authority === undefined || authority.host.length > longestHost) return undefined;

  const host = withoutFinalDot(authority.host);
  if (!isHostName(host) && !isBracketedAddress(host)) return undefined;

  const { port } = authority;
  if (port === undefined) return { text: host, host, port };
  // A port has one spelling: `080` is none.
  if (port === 0 || !value.endsWith(`:${port}`)) return undefined;
  if (port === defaultPorts[scheme]) return { text: host, host, port: undefined };
  return { text: `${host}:${port}`, host, port };
}
