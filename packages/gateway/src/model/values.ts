// The leaves of objects: one schema for each kind of value. A value comes out in its canonical
// form, which the same schema takes again; what is wrong is said in words that a person can act on,
// without the value, which may be a secret.
import { isLoopbackHost, parseDuration, parsePattern } from "@postern/protocol";
import { z } from "zod";
import { formatNetwork, type NetworkFault, parseNetwork } from "../network.ts";
import type { Remedy } from "./problem.ts";
import { tryRead } from "./read-value.ts";

/**
 * Text that `read` turns into a value. The message of what it throws becomes the complaint, and the
 * text goes into `params`: the caller decides whether to show it.
 */
export function text<Value>(read: (source: string) => Value) {
  const source = z.string({ error: ({ input }) => complaintOnScalar(read, input) });
  return source.transform((source, context) => {
    try {
      return read(source);
    } catch (error) {
      const { message, remedy } = error as Complaint;
      context.addIssue({ code: "custom", message, params: { value: source, remedy } });
      return z.NEVER;
    }
  });
}

/** What is wrong with a number where text is wanted, other than that it has no quotes. */
function complaintOnScalar(read: (source: string) => unknown, input: unknown): string | undefined {
  if (typeof input !== "number") return undefined;
  try {
    read(String(input));
    return undefined;
  } catch (error) {
    const { message, remedy } = error as Complaint;
    return remedy === undefined ? message : `${message}; ${remedy.own}`;
  }
}

/** What a reader of `text` says of a source that is wrong. */
class Complaint extends Error {
  readonly remedy: Remedy | undefined;

  constructor(message: string, remedy: Remedy | undefined) {
    super(message);
    this.remedy = remedy;
  }
}

/** Ends a reader of `text` with a complaint. @throws {Error} always */
export function refuse(complaint: string, remedy?: Remedy): never {
  throw new Complaint(complaint, remedy);
}

/** A value whose schema depends on what it looks like, so that complaints fit what was meant. */
export function choice<Value>(choose: (value: unknown) => z.ZodType<Value>) {
  return z.unknown().transform((value, context): Value => readWith(choose(value), value, context));
}

/** Reads a value with another schema, from inside a transformation: its issues are taken over. */
export function readWith<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  context: z.core.ParsePayload,
): Value {
  const result = tryRead(schema, value);
  if (result.success) return result.data;
  for (const issue of result.error.issues)
    context.issues.push({ ...issue, input: issue.input } as z.core.$ZodRawIssue);
  return z.NEVER;
}

/** Text that holds more than blanks. */
export const someText = text((source) => {
  if (source.trim() === "") refuse("is empty; write a value, or remove the field");
  return source;
});

/** A list of texts, none of them empty (case L11). */
export const someTexts = z.array(z.string().min(1));

/** What ids look like: they stand in cookies, URLs and logs. */
export const identifier = text((source) => {
  if (/^[\w.@-]{1,100}$/.test(source)) return source;
  return refuse("cannot be an id; use letters, digits, dot, dash and underscore");
});

/** What people call an object. */
export const objectName = someText.refine((source) => source.length <= 350, {
  message: "is longer than 350 characters",
});

const oneMonth = 31 * 24 * 36e5;

/**
 * A session's length in Go syntax, kept as it is; none at all means one that ends at once. Tokens
 * count in seconds: with a part of one, nobody would ever get in.
 */
export const sessionDuration = text((source) => {
  const length = durationOf(source, "h");
  if (length > 0 && length < 1_000)
    refuse("is too short, so nobody would get in; write it like 15m or 24h, or 0s for at once");
  if (length > oneMonth) refuse("is longer than a month; write 744h or less");
  return source;
});

const oneDay = 24 * 36e5;

/**
 * Go syntax → whole milliseconds to wait. A time without end would be no limit, and Node's timers
 * know about 24 days.
 */
export const timeout = text((source) => {
  const milliseconds = Math.round(durationOf(source, "s"));
  if (milliseconds >= 1 && milliseconds <= oneDay) return milliseconds;
  return refuse("is no time to wait; write one from 1ms to 24h");
});

/** How long something is kept, in Go syntax or in days (`180d`) → milliseconds. */
export const retention = text((source) => {
  const days = /^(\d{1,4})d$/.exec(source)?.[1];
  const milliseconds = days === undefined ? durationOf(source, "h") : Number(days) * oneDay;
  if (milliseconds >= 36e5 && milliseconds <= 3_660 * oneDay) return milliseconds;
  return refuse("is no time from 1h to 3660d; write it like 24h or 180d");
});

/** As `timeout`, or 0 for no limit. */
export const idleLimit = choice((value) => {
  const isNone = value === 0 || (typeof value === "string" && /^0(?:ms|s|m|h)?$/.test(value));
  return isNone ? z.unknown().transform(() => 0) : timeout;
});

/** A time in Go syntax between two bounds, kept as it is. */
export function duration({ from, to }: { from: string; to: string }) {
  return text((source) => {
    const length = durationOf(source, "s");
    if (length >= parseDuration(from) && length <= parseDuration(to)) return source;
    return refuse(`is no time from ${from} to ${to}`);
  });
}

/** @param unit the one that is likely meant where none is written */
function durationOf(source: string, unit: "h" | "s"): number {
  try {
    return parseDuration(source);
  } catch {
    const rewritten = durationMeant(source, unit);
    const example = "write it like 30m, 24h or 1h30m";
    const own = rewritten === undefined ? example : `write ${rewritten}`;
    return refuse("is not a duration", { own, example });
  }
}

const unitNames: readonly (readonly [names: RegExp, unit: string])[] = [
  [/^ms(?:ecs?)?$|^milliseconds?$/i, "ms"],
  [/^s(?:ecs?|econds?)?$/i, "s"],
  [/^m(?:ins?|inutes?)?$/i, "m"],
  [/^h(?:rs?|ours?)?$/i, "h"],
  [/^d(?:ays?)?$/i, "d"],
];

/** `24` → `24h`, `5 minutes` → `5m`, `1h 30m` → `1h30m` */
function durationMeant(source: string, unit: string): string | undefined {
  const parts = [...source.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)[\s,]*/gi)];
  if (parts.map(([whole]) => whole).join("") !== source || source.length > 40) return undefined;
  const units = parts.map(([, , name = ""]) =>
    name === "" && parts.length === 1 ? unit : unitNames.find(([names]) => names.test(name))?.[1],
  );
  if (units.length === 0 || units.includes(undefined)) return undefined;
  return parts.map(([, count], index) => `${count}${units[index]}`).join("");
}

/** `host[/path]` with wildcards, as it compares: lower-case host, no trailing slash. */
export const applicationPattern = text((source) => {
  try {
    return parsePattern(source).text;
  } catch (error) {
    const remedy = hostRemedy(source, (text) => parsePattern(text).text);
    const fault = patternFault(error);
    if (remedy === undefined) return refuse(fault);
    return refuse(fault.replace("; write only host and path", ""), remedy);
  }
});

/**
 * What is left of a URL, or of `host:port`, where a host or a pattern is wanted.
 * @param read throws where that is not right either
 */
export function hostRemedy(source: string, read: (text: string) => string): Remedy | undefined {
  const [, host = "", path = ""] =
    /^(?:[a-z][a-z+.-]*:\/\/)?([^/:?#@\s]+)(?::\d*)?(\/[^?#\s]*)?(?:[?#].*)?$/i.exec(source) ?? [];
  for (const candidate of [host + path, host]) {
    try {
      const own = read(candidate);
      const example = "write only host and path";
      if (own !== source) return { own: `${example}: ${own}`, example };
    } catch {
      // Then there is nothing to suggest.
    }
  }
  return undefined;
}

/** The fault of a pattern without the pattern, which the parser quotes first. */
export function patternFault(error: unknown): string {
  return (error as Error).message.replace(/^".*?" (?=has )/s, "");
}

/** A network or one address, in canonical form. */
export const network = text((source) => {
  const reading = parseNetwork(source);
  return reading.ok ? formatNetwork(reading.network) : refuse(networkFaults[reading.fault]);
});

/** A network or one address, kept as it was written. */
export const networkText = text((source) => {
  const reading = parseNetwork(source);
  return reading.ok ? source : refuse(networkFaults[reading.fault]);
});

const networkFaults: Record<NetworkFault, string> = {
  no_network:
    "is not a network or an address; write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7",
  wider_than_ipv4:
    "covers more than the IPv4 addresses inside IPv6; write IPv4 and IPv6 networks apart",
};

/** `https://`, or `http://` on this machine; without user and password. */
export const webUrl = text((source) => {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const example = "write it like https://idp.example.com";
    const own = isBareAddress(source) ? `write https://${source}` : example;
    return refuse("is not a URL", { own, example });
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname))
    refuse("must be https; http is for this machine only");
  if (url.username !== "" || url.password !== "") refuse("must not hold a user or a password");
  return source;
});

/** Whether a text is a URL whose scheme was left out: `idp.example.com/realm`, `10.0.0.5:3000`. */
export function isBareAddress(source: string): boolean {
  return /^(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d{1,5})?(?:\/[^\s@]*)?$/i.test(source);
}

/** ASCII, exactly one `@` (case L10), in lower case. */
export const emailAddress = text((source) => {
  const isPattern = /^\.?\*@/.test(source);
  if (!isPattern && /^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(source))
    return source.toLowerCase();
  const [, domain] = /^(?:\*|\.\*)?@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i.exec(source) ?? [];
  if (domain === undefined)
    return refuse("is not one email address; write it like ada@example.com");
  const example = "for a whole domain write {email_domain: {domain: example.com}}";
  return refuse("is not one email address", {
    own: `for the whole domain write {email_domain: {domain: ${domain}}}`,
    example,
  });
});

/** The part after `@`, ASCII in lower case; other alphabets in their `xn--` form. */
export const emailDomain = text((source) => {
  if (/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(source)) return source.toLowerCase();
  const bare = source.replace(/^.*[@*]\.?/, "");
  const example = "write it like example.com, without @ and wildcard";
  const own = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(bare) ? `write ${bare}` : example;
  return refuse("is not a domain", { own, example });
});

/** 64 lower-case hex characters: an AUD, or a SHA-256. */
export function hex64(complaint: string) {
  return z.string().regex(/^[0-9a-f]{64}$/, { message: complaint });
}

/** A field that is taken so that what was written for Cloudflare loads. Using it is warned of. */
export const withoutEffect = z.unknown().optional();

/**
 * A setting that would make access stricter and does not exist here yet: dropping it without a word
 * would open a door.
 */
export const notYet = z
  .unknown()
  .refine((value) => value === undefined || value === false || isEmptyList(value), {
    message: "is not supported yet; remove it",
  })
  .optional();

/** Cloudflare offers a choice where this gateway has only the strict way. */
export const alwaysOn = z
  .literal(true, { error: "cannot be switched off here; remove it" })
  .optional();

export function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
