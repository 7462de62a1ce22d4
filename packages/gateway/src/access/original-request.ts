// Which request a proxy asks about (wire-protocol 12). Each dialect has one place for method,
// address and host; what stands in the places of the others was written by the client, and is not
// looked at. What is missing, doubled or malformed is refused (case P10).
import { reservedPrefix } from "@postern/protocol";
import type { RequestHead } from "../http/transport.ts";
import { type ProxyDialect, proxyDialects } from "../model/proxy-dialect.ts";

/** Where proxies ask; a dialect follows. */
const forwardAuthPrefix = `${reservedPrefix}forward-auth/`;

/** Where a question arrived. */
export interface QuestionPlace {
  dialect: ProxyDialect;
  /** what follows the dialect: the target of the original request, where a dialect has it there */
  rest: string;
}

/** Reads the target of a question; undefined for every other one. */
export function readPlace(target: string): QuestionPlace | undefined {
  if (!target.startsWith(forwardAuthPrefix)) return undefined;
  const [, name = "", rest = ""] =
    /^([a-z]+)(.*)$/.exec(target.slice(forwardAuthPrefix.length)) ?? [];
  const dialect = proxyDialects.find((each) => each === name);
  if (dialect === undefined) return undefined;
  // Proxies put the client's query behind an address of their own.
  const isElsewhere = !hasTargetInPath[dialect] && rest !== "" && !rest.startsWith("?");
  return isElsewhere ? undefined : { dialect, rest };
}

const hasTargetInPath: Record<ProxyDialect, boolean> = {
  nginx: false,
  forwarded: false,
  envoy: true,
  haproxy: true,
};

/** The request that a proxy has before it, or why nobody can tell which one it is. */
export type OriginalRequest =
  | { ok: true; head: RequestHead }
  /** @property detail for the log */
  | { ok: false; detail: string };

/** What a dialect says; the scheme is undefined where it says none. */
interface Original {
  method: string;
  scheme: string | undefined;
  host: string;
  target: string;
}

/** Header → its values, of those that a dialect reads. */
type Values = ReadonlyMap<string, readonly string[]>;

/** The names of a dialect's headers, each of which must be there once. */
const headersOf: Record<ProxyDialect, readonly string[]> = {
  nginx: ["x-original-url", "x-original-method"],
  forwarded: ["x-forwarded-method", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"],
  envoy: ["host"],
  haproxy: ["host"],
};

/** What the data path reads of a head, and must not read of the question's own. */
const replacedNames = new Set(["host", "x-forwarded-proto", "x-forwarded-host"]);

/**
 * Reads the request that is asked about, as if it had come from the proxy itself.
 * @param scheme of a dialect that says none: that of the gateway's own addresses
 */
export function readOriginalRequest(
  { dialect, rest }: QuestionPlace,
  question: RequestHead,
  scheme: "http" | "https",
): OriginalRequest {
  // 1. The headers of the dialect, and those that belong to the client.
  const { values, others, upgrade } = sortHeaders(headersOf[dialect], question.rawHeaders);
  for (const name of headersOf[dialect]) {
    const count = values.get(name)?.length ?? 0;
    if (count !== 1)
      return { ok: false, detail: `${name}: ${count === 0 ? "missing" : "doubled"}` };
  }

  // 2. What they say.
  const original = readers[dialect](values, question.method, rest);
  if (original === undefined) return { ok: false, detail: "the address cannot be read" };
  const { method, host, target } = original;
  return {
    ok: true,
    head: {
      method,
      target,
      version: question.version,
      rawHeaders: ["host", host, "x-forwarded-proto", original.scheme ?? scheme, ...others],
      upgrade: upgrade ?? question.upgrade,
      peer: question.peer,
    },
  };
}

type ReadDialect = (values: Values, method: string, place: string) => Original | undefined;

const readers: Record<ProxyDialect, ReadDialect> = {
  nginx: readNginx,
  forwarded: readForwarded,
  envoy: readRequestLine,
  haproxy: readRequestLine,
};

function readNginx(values: Values): Original | undefined {
  const url = valueIn(values, "x-original-url");
  const [, scheme, host, target] = /^(https?):\/\/([^/?#\\@]+)(\/.*)$/.exec(url) ?? [];
  if (scheme === undefined || host === undefined || target === undefined) return undefined;
  return { method: valueIn(values, "x-original-method"), scheme, host, target };
}

/** What proxies call the scheme: Traefik tells WebSockets apart. */
const schemes: ReadonlyMap<string, string> = new Map([
  ["http", "http"],
  ["https", "https"],
  ["ws", "http"],
  ["wss", "https"],
]);

function readForwarded(values: Values): Original | undefined {
  const scheme = schemes.get(valueIn(values, "x-forwarded-proto"));
  const target = valueIn(values, "x-forwarded-uri");
  if (scheme === undefined || !target.startsWith("/")) return undefined;
  const host = valueIn(values, "x-forwarded-host");
  return { method: valueIn(values, "x-forwarded-method"), scheme, host, target };
}

function readRequestLine(values: Values, method: string, target: string): Original | undefined {
  if (!target.startsWith("/")) return undefined;
  return { method, scheme: undefined, host: valueIn(values, "host"), target };
}

function valueIn(values: Values, name: string): string {
  return values.get(name)?.[0] ?? "";
}

/** One pass over the headers of a question. */
function sortHeaders(
  names: readonly string[],
  rawHeaders: readonly string[],
): { values: Values; others: string[]; upgrade: string | undefined } {
  const values = new Map<string, string[]>();
  const others: string[] = [];
  const upgrades: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (names.includes(lower)) values.set(lower, [...(values.get(lower) ?? []), value]);
    // A proxy opens no connection of the kind: it only says what the client asks for.
    if (lower === "upgrade" && value !== "") upgrades.push(value.toLowerCase());
    if (!replacedNames.has(lower)) others.push(name, value);
  }
  const upgrade = upgrades.length === 0 ? undefined : upgrades.join(", ");
  return { values, others, upgrade };
}
