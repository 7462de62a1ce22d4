// What the head of a request of HTTP/1.1 says about its message and its connection (RFC 9112 6 and
// 9.3). Two statements of a length are how requests get smuggled (case H7): each is a fault.
import type { MessageFault } from "./message-fault.ts";

/** The head of a request, read. */
export interface MessageHead {
  method: string;
  target: string;
  version: "1.0" | "1.1";
  /** names and values in turn, in the client's order and writing */
  rawHeaders: readonly string[];
  /** bytes of the body, 0 where there is none, or chunks */
  framing: number | "chunked";
  /** whether the client keeps the connection for another request */
  persistent: boolean;
  /** the protocol that the request asks to go on with, as the client writes it */
  upgrade: string | undefined;
}

/** The fields that are about the message and the connection. */
interface ConnectionFields {
  lengths: number;
  length: number;
  codings: number;
  isChunked: boolean;
  closes: boolean;
  keeps: boolean;
  upgrades: boolean;
  protocols: string[];
}

/** Method, target, version and fields of a head. */
export type HeadParts = Pick<MessageHead, "method" | "target" | "version" | "rawHeaders">;

/** Reads the fields that are about the message and the connection. */
export function readFraming(parts: HeadParts): MessageHead | MessageFault {
  const { method, target, version, rawHeaders } = parts;
  const fields = connectionFields(rawHeaders);
  const fault = faultOfFraming(fields, version);
  if (fault !== undefined) return fault;
  const framing = fields.isChunked ? "chunked" : fields.length;
  return {
    method,
    target,
    version,
    rawHeaders,
    framing,
    persistent: isPersistent(fields, version),
    upgrade: version === "1.1" && framing === 0 ? takenProtocol(fields) : undefined,
  };
}

/** Whether the connection is kept (RFC 9112 9.3). */
function isPersistent(
  { closes, keeps, upgrades, protocols }: ConnectionFields,
  version: MessageHead["version"],
): boolean {
  // The client may have sent bytes of another protocol already.
  if (closes || (upgrades && protocols.length > 0)) return false;
  return version === "1.1" || keeps;
}

function faultOfFraming(
  { lengths, length, codings, isChunked }: ConnectionFields,
  version: MessageHead["version"],
): MessageFault | undefined {
  if (codings > 0 && lengths > 0) return "two_framings";
  if (lengths > 1 || Number.isNaN(length)) return "malformed_length";
  if (codings === 0) return undefined;
  if (version === "1.0") return "coding_in_http_1_0";
  return codings > 1 || !isChunked ? "unknown_coding" : undefined;
}

function connectionFields(rawHeaders: readonly string[]): ConnectionFields {
  const fields: ConnectionFields = {
    lengths: 0,
    length: 0,
    codings: 0,
    isChunked: false,
    closes: false,
    keeps: false,
    upgrades: false,
    protocols: none,
  };
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // Most names have another length than any of these: they are not even lowered.
    const expected = nameOfLength[name.length];
    if (expected === undefined || name.toLowerCase() !== expected) continue;
    readField(fields, expected, rawHeaders[index + 1] ?? "");
  }
  return fields;
}

const none: string[] = [];
const nameOfLength: (string | undefined)[] = [];
for (const name of ["content-length", "transfer-encoding", "connection", "upgrade"])
  nameOfLength[name.length] = name;

function readField(fields: ConnectionFields, name: string, value: string): void {
  switch (name) {
    case "content-length":
      fields.lengths++;
      fields.length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      break;
    case "transfer-encoding":
      fields.codings++;
      fields.isChunked = value.toLowerCase() === "chunked";
      break;
    case "connection":
      fields.closes ||= /(?:^|[,\t ])close(?:[,\t ]|$)/i.test(value);
      fields.keeps ||= /(?:^|[,\t ])keep-alive(?:[,\t ]|$)/i.test(value);
      fields.upgrades ||= /(?:^|[,\t ])upgrade(?:[,\t ]|$)/i.test(value);
      break;
    case "upgrade":
      fields.protocols = [...fields.protocols, value];
      break;
  }
}

/** One protocol, with or without version: `websocket`, `SPDY/3.1`. */
const protocol = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/;
/** Other ways to speak HTTP, and TLS: what came through would be requests that nobody reads. */
const neverTaken = /^(?:h2c?|http|tls)(?:\/|$)/i;

/** The protocol to go on with (RFC 9110 7.8); undefined when the request is answered as HTTP. */
function takenProtocol({ upgrades, protocols }: ConnectionFields): string | undefined {
  const [value = ""] = protocols;
  if (!upgrades || protocols.length !== 1) return undefined;
  return isTakenProtocol(value) ? value : undefined;
}

/** Whether the gateway goes on with what an `Upgrade` names. */
export function isTakenProtocol(value: string): boolean {
  return protocol.test(value) && !neverTaken.test(value);
}
