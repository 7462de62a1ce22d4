// Requests byte for byte, as no HTTP library would send them: what an attacker writes is what the
// gateway gets.
import { connect } from "node:net";

export interface RawAnswer {
  /** 0 when the connection ended without an answer */
  status: number;
  /** lower-case names; values of one name joined by ", " */
  headers: Record<string, string>;
  body: string;
  /** all that arrived, as it arrived */
  raw: string;
}

/** Sends the text (latin1) to 127.0.0.1 and reads until the other side ends the connection. */
export function rawExchange(port: number, text: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("connect", () => socket.write(text, "latin1"));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? undefined : reject(error),
    );
    socket.on("close", () => resolve(readAnswer(Buffer.concat(chunks).toString("latin1"))));
  });
}

/** A whole request that ends its connection. @param lines more header lines */
export function rawRequest(
  port: number,
  requestLine: string,
  lines: readonly string[] = [],
  body = "",
): Promise<RawAnswer> {
  return rawExchange(
    port,
    `${[requestLine, ...lines, "Connection: close", "", ""].join("\r\n")}${body}`,
  );
}

function readAnswer(raw: string): RawAnswer {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const [line = "", ...fields] = head.split("\r\n");
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const name = field.slice(0, field.indexOf(":")).toLowerCase();
    const value = field.slice(field.indexOf(":") + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0),
    headers,
    body: rest.join("\r\n\r\n"),
    raw,
  };
}
