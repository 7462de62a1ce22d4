// Messages of JSON-RPC 2.0, as far as one who passes them on has to understand them: what is a
// request that somebody waits for, and what is its answer. Their text is passed on as it came.
import { parseJsonObject } from "../json-object.ts";

export type MessageId = string | number;

/** Bytes of a message, in either direction. */
export const largestMessage = 32 * 1024 * 1024;

/** One message, or a batch of them (which MCP had in revision 2025-03-26 alone). */
export interface Message {
  /** on one line */
  text: string;
  /** its parts: one, but for a batch */
  parts: readonly MessagePart[];
}

export interface MessagePart {
  kind: "request" | "notification" | "response";
  /** absent in a notification, and in an error that answers nothing that could be read */
  id: MessageId | undefined;
  /** empty in a response */
  method: string;
  body: Readonly<Record<string, unknown>>;
}

/** Codes of errors (JSON-RPC 2.0 5.1); the last is ours, of the range for implementations. */
export const errorCodes = {
  invalid: -32600,
  internal: -32603,
  notDelivered: -32000,
} as const;

/** @returns undefined where the text is no message of JSON-RPC 2.0 */
export function readMessage(text: string): Message | undefined {
  const values = valuesIn(text);
  const parts = values.map(partOf);
  if (parts.length === 0 || !parts.every(isPart)) return undefined;
  return { text: onOneLine(text), parts };
}

function valuesIn(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [];
  }
}

function isPart(part: MessagePart | undefined): part is MessagePart {
  return part !== undefined;
}

function partOf(value: unknown): MessagePart | undefined {
  if (!isObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { id, method } = value;
  const isId = typeof id === "string" || typeof id === "number";
  if (typeof method === "string") {
    if (isId) return { kind: "request", id, method, body: value };
    return id === undefined ? { kind: "notification", id, method, body: value } : undefined;
  }
  const isAnswer = method === undefined && ("result" in value || "error" in value);
  if (!isAnswer || !(isId || id === undefined || id === null)) return undefined;
  return { kind: "response", id: isId ? id : undefined, method: "", body: value };
}

/** Line ends stand between the tokens of JSON alone; its strings escape them. */
function onOneLine(text: string): string {
  return text.trim().replace(/[\r\n]+/g, " ");
}

/** The ids that the message expects answers to. */
export function requestIds({ parts }: Message): MessageId[] {
  return parts.flatMap(({ kind, id }) => (kind === "request" && id !== undefined ? [id] : []));
}

/** The method of a message that is none of a batch; empty for an answer. */
export function methodOf({ parts }: Message): string {
  const [part] = parts;
  return part?.method ?? "";
}

/** The field of an object; undefined where the value is none, or has none of that name. */
export function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What an error says beside its id. */
export interface ErrorWords {
  code: number;
  /** a sentence */
  message: string;
  data?: unknown;
}

/**
 * An error on one line.
 * @param id `null` answers what could not be read
 */
export function errorText(id: MessageId | null, error: ErrorWords): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}

/** The error in the text of an answer; undefined where it is none. */
export function errorIn(text: string): ErrorWords | undefined {
  const error = fieldOf(parseJsonObject(text), "error");
  const [code, message] = [fieldOf(error, "code"), fieldOf(error, "message")];
  if (typeof code !== "number" || typeof message !== "string") return undefined;
  const data = fieldOf(error, "data");
  return data === undefined ? { code, message } : { code, message, data };
}
