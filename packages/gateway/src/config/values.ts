// The leaves of the configuration: one small reader per kind of value, each of which says what is
// wrong in words that a person can act on. The value itself goes into `params`, so that the caller
// can decide not to show it.
import { isIP } from "node:net";
import { isLoopbackHost, parseDuration, parsePattern } from "@postern/protocol";
import { z } from "zod";
import { formatNetwork, type NetworkFault, parseNetwork } from "../network.ts";

/** Where to listen. */
export type ListenAddress =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** A string that `read` turns into something else; what it throws becomes the complaint. */
export function text<Value>(read: (written: string) => Value) {
  return z.string().transform((written, context) => {
    try {
      return read(written);
    } catch (error) {
      // The readers' messages never hold the value: it may be a secret.
      context.addIssue({
        code: "custom",
        message: (error as Error).message,
        params: { value: written },
      });
      return z.NEVER;
    }
  });
}

function fail(message: string): never {
  throw new Error(message);
}

export const someText = text((written) =>
  written.trim() === "" ? fail("is empty; write a value, or remove the field") : written,
);

/** what ids look like: they stand in cookies, URLs and logs */
export const identifier = text((written) =>
  /^[\w.@-]{1,100}$/.test(written)
    ? written
    : fail("cannot be an id; use letters, digits, dot, dash and underscore"),
);

const oneMonth = 31 * 24 * 36e5;

/**
 * Go syntax, kept as written: a session's length. Tokens count in seconds: with less, nobody would
 * ever get in.
 */
export const sessionDuration = text((written) => {
  const length = durationOf(written);
  if (length < 1_000) fail("is no time at all, so nobody would get in; write it like 15m or 24h");
  return length > oneMonth ? fail("is longer than a month; write 744h or less") : written;
});

const oneDay = 24 * 36e5;

/**
 * Go syntax → whole milliseconds to wait. Bounds: without end is no limit, and Node's timers know
 * about 24 days.
 */
export const timeout = text((written) => {
  const waits = Math.round(durationOf(written));
  return waits >= 1 && waits <= oneDay
    ? waits
    : fail("is no time to wait; write one from 1ms to 24h");
});

function durationOf(written: string): number {
  try {
    return parseDuration(written);
  } catch {
    return fail("is not a duration; write it like 30m, 24h or 1h30m");
  }
}

/** `host[/path]` with wildcards, as it compares: lower-case host, no trailing slash */
export const applicationPattern = text((written) => {
  try {
    return parsePattern(written).text;
  } catch (error) {
    return fail(patternFault(error));
  }
});

/** The reader of patterns quotes the text first; here the caller does, or must not. */
export function patternFault(error: unknown): string {
  return (error as Error).message.replace(/^".*?" (?=has )/s, "");
}

/**
 * `api.example.com`, `*.example.com` for every name below, or `*`: what cloudflared's ingress knows
 */
export const hostPattern = text((written) => {
  if (written.includes("/")) fail("is not a host name; the path has a field of its own");
  const wrong = "is not a host name; write one like api.example.com, *.example.com, or * for all";
  let host: string;
  try {
    host = parsePattern(written).text;
  } catch {
    return fail(wrong);
  }
  return /^(\*|(\*\.)?[^*]+)$/.test(host) ? host : fail(wrong);
});

/** `host[:port]`, lower-case */
export const authority = text((written) => {
  const [, host = "", port] = /^([^:/@]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?$/.exec(written) ?? [];
  const valid = isHostName(host) && (port === undefined || isPort(Number(port)));
  return valid
    ? written.toLowerCase()
    : fail("is not a host, or host:port, without scheme and path");
});

function isHostName(host: string): boolean {
  if (host.startsWith("[")) return isIP(host.slice(1, -1)) === 6;
  return (
    host.length <= 253 &&
    host.split(".").every((label) => /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(label))
  );
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** a network or one address, in canonical form */
export const network = text((written) => {
  const reading = parseNetwork(written);
  return reading.ok ? formatNetwork(reading.network) : fail(networkFaults[reading.fault]);
});

const networkFaults: Record<NetworkFault, string> = {
  no_network:
    "is not a network or an address; write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7",
  wider_than_ipv4:
    "covers more than the IPv4 addresses inside IPv6; write IPv4 and IPv6 networks apart",
};

/** `https://`, or `http://` on this machine; without user and password */
export const webUrl = text((written) => {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return fail("is not a URL; write it like https://idp.example.com");
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname))
    fail("must be https; http is for this machine only");
  if (url.username !== "" || url.password !== "") fail("must not hold a user or a password");
  return written;
});

export const mailUrl = text((written) =>
  URL.canParse(written) &&
  /^smtps?:$/.test(new URL(written).protocol) &&
  new URL(written).hostname !== ""
    ? written
    : fail(
        "is not a mail server; write it like smtp://mail.example.com:587 or smtps://mail.example.com",
      ),
);

/** `host:port`, `[::1]:port`, `:port` or `unix:/path` */
export const listenAddress = text((written): ListenAddress => {
  if (written.startsWith("unix:")) {
    const path = written.slice("unix:".length);
    return path === "" ? fail("has no path; write unix:/run/postern.sock") : { kind: "unix", path };
  }
  const [, host = "", port = ""] = /^(.*):(\d{1,5})$/.exec(written) ?? [];
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  const named = bare === "" || isIP(bare) !== 0 || (isHostName(host) && !/^[\d.]+$/.test(host));
  if (!named || (host.includes(":") && bare === host) || Number(port) > 65_535 || port === "") {
    return fail(
      "is not an address to listen on; write it like 0.0.0.0:443, [::]:443, 127.0.0.1:8600 or unix:/run/postern.sock",
    );
  }
  return { kind: "tcp", host: bare === "" ? "::" : bare, port: Number(port) };
});

/** ASCII, exactly one `@` (case L10) */
export const emailAddress = text((written) =>
  /^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(written)
    ? written.toLowerCase()
    : fail("is not one e-mail address"),
);

/** the part after `@`, ASCII lower-case; other alphabets in their `xn--` form */
export const emailDomain = text((written) =>
  /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(written)
    ? written.toLowerCase()
    : fail("is not a domain; write it like example.com, without @ and wildcard"),
);

/** RFC 3339 → milliseconds since the epoch */
export const moment = text((written) => {
  const valid = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(written);
  const time = valid ? Date.parse(written) : Number.NaN;
  return Number.isNaN(time) ? fail("is not a time; write it like 2027-01-31T00:00:00Z") : time;
});
