// One request over a connection of its own, byte for byte: what an arrangement answers before and
// after it is measured, which the answers under load are held to.
import { createConnection } from "node:net";
import { connect } from "node:tls";
import { FailedRun } from "./run.ts";

/** Where requests go, and what each of them says. */
export interface Target {
  port: number;
  /** from its slash on */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** over TLS, whatever the certificate */
  isSecure?: boolean;
}

export interface Answer {
  status: number;
  /** bytes of the head, with the empty line */
  headSize: number;
  body: Buffer;
}

const limitMs = 10_000;
const sizeLimit = 2 ** 24;
const headEnd = "\r\n\r\n";

/** The request as it goes over the wire. */
export function requestTo({ path, headers }: Target): string {
  const lines = Object.entries(headers).map((each) => each.join(": "));
  return [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/**
 * @returns the answer
 * @throws {FailedRun} when there is none, or its length is not stated
 */
export function probe(target: Target): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const address = { host: "127.0.0.1", port: target.port };
  const socket = target.isSecure
    ? connect({ ...address, rejectUnauthorized: false })
    : createConnection(address);
  const fail = (why: string) => reject(new FailedRun(`${target.path}: ${why}`));
  const timer = setTimeout(() => fail("no answer within 10 s"), limitMs);
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    const answer = answerIn(bytes);
    if (answer !== undefined) resolve(answer);
    else if (bytes.length > sizeLimit) fail("its length is not stated, or it is too long");
  });
  socket.once("error", (error) => fail(error.message));
  socket.once("close", () => fail(`the connection ended: ${bytes.toString().slice(0, 300)}`));
  socket.write(requestTo(target));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** @returns undefined while it is not whole */
function answerIn(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const status = Number(head.slice(9, 12));
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.NaN);
  const body = bytes.subarray(end + headEnd.length);
  if (!(body.length >= length)) return undefined;
  return { status, headSize: end + headEnd.length, body };
}
