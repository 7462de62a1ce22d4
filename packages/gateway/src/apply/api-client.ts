// The API of an account, ours or Cloudflare's, as a client that trusts no answer: time and length
// are bounded, no redirect is followed, and the token goes to nobody who could read it on its way.
import { isLoopbackHost } from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import { isMap } from "../model/read-value.ts";
import { UsageError } from "../usage-error.ts";

/** An error or a remark of an answer. */
export interface ApiRemark {
  message: string;
  /** JSON Pointer */
  pointer?: string;
}

/** An answer whose envelope is right. */
export interface ApiAnswer {
  ok: boolean;
  status: number;
  result: unknown;
  errors: ApiRemark[];
  messages: ApiRemark[];
}

/** A gateway that does not answer, or not as one does. */
export class UnreachableError extends Error {
  readonly code = "unreachable";
  override readonly name = "UnreachableError";
}

const longestAnswer = 64 * 1024 * 1024;
const patienceMs = 60_000;

/** A client with one token. */
export class ApiClient {
  readonly #base: URL;
  readonly #token: string;

  /**
   * @param base what stands before `/accounts`
   * @throws {Error} when the token would be told to others
   */
  constructor(base: string, token: string) {
    if (!URL.canParse(base)) throw new UsageError(`${JSON.stringify(base)} is not a URL`);
    this.#base = new URL(base);
    const { protocol, hostname, username } = this.#base;
    if (username !== "") throw new UsageError("a URL with a user in it is not taken");
    if (protocol !== "https:" && !(protocol === "http:" && isLoopbackHost(hostname)))
      throw new UsageError(`${base} would get the token in clear, for others to read; use https`);
    if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError("the token is empty, or holds a blank");
    this.#token = token;
  }

  /** The address, for people. */
  get place(): string {
    return this.#base.origin;
  }

  /** @throws {UnreachableError} when there is no answer that can be read */
  async ask(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const url = `${this.#base.href.replace(/\/$/, "")}${path}`;
    const { status, text } = await this.#send(url, method, body);
    const envelope = parse(text);
    if (!isMap(envelope) || typeof envelope["success"] !== "boolean")
      throw new UnreachableError(
        `${url} answered ${status}, and not as the API does; correct the address`,
      );
    const { success, result } = envelope;
    return {
      ...{ ok: success && status < 300, status, result },
      errors: remarksIn(envelope["errors"]),
      messages: remarksIn(envelope["messages"]),
    };
  }

  async #send(url: string, method: string, body: unknown) {
    try {
      const response = await fetch(url, {
        ...{ method, redirect: "manual", signal: AbortSignal.timeout(patienceMs) },
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: response.status, text: await readAll(response, url) };
    } catch (error) {
      if (error instanceof UnreachableError) throw error;
      const isLate = error instanceof Error && error.name === "TimeoutError";
      const why = isLate ? `no whole answer within ${patienceMs / 1000} s` : codeOf(error);
      throw new UnreachableError(`${url} cannot be reached: ${why}`, { cause: error });
    }
  }
}

async function readAll(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > longestAnswer)
      throw new UnreachableError(`${url} answered more than 64 MiB; nothing of it was read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What an answer that is none says, in one line. */
export function refusalText({ status, errors }: ApiAnswer): string {
  const [first] = errors;
  return printable(first === undefined ? `it answered ${status}` : `${first.message} (${status})`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function remarksIn(list: unknown): ApiRemark[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isMap).map(({ message, source }) => {
    const pointer = isMap(source) ? source["pointer"] : undefined;
    const text = typeof message === "string" ? message : "";
    return typeof pointer === "string" ? { message: text, pointer } : { message: text };
  });
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "no answer";
}
