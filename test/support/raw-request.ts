// Requests byte for byte, as no HTTP library would send them: what an attacker writes is what the
// gateway gets.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { speaksHttp2 } from "./gateway-request.ts";
import { http2Request } from "./http2-request.ts";

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

/**
 * A whole request that ends its connection; where the run speaks HTTP/2, what says the same there.
 * @param lines more header lines
 */
export function rawRequest(
  port: number,
  requestLine: string,
  lines: readonly string[] = [],
  body = "",
): Promise<RawAnswer> {
  if (speaksHttp2) return http2Exchange(port, requestLine, lines, body);
  return rawExchange(
    port,
    `${[requestLine, ...lines, "Connection: close", "", ""].join("\r\n")}${body}`,
  );
}

async function http2Exchange(
  port: number,
  requestLine: string,
  lines: readonly string[],
  body: string,
): Promise<RawAnswer> {
  const [method = "", ...rest] = requestLine.split(" ");
  const path = rest.slice(0, -1).join(" ");
  const headers = lines.flatMap((line) => {
    const mark = line.indexOf(":");
    return [line.slice(0, mark), line.slice(mark + 1).trim()];
  });
  const asked = http2Request({ host: "127.0.0.1", port, method, path, headers });
  if (body === "") asked.end();
  else asked.end(body, "latin1");
  const [response] = await Promise.race([once(asked, "response"), once(asked, "close")]);
  if (response === undefined) return { status: 0, headers: {}, body: "", raw: "" };

  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return answerOf(response, Buffer.concat(chunks).toString("latin1"));
}

function answerOf({ statusCode, headers }: IncomingMessage, body: string): RawAnswer {
  const joined = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]);
  const lines = joined.map(([name, value]) => `${name}: ${value}`);
  const raw = [`HTTP/2 ${statusCode}`, ...lines, "", body].join("\r\n");
  return { status: statusCode ?? 0, headers: Object.fromEntries(joined), body, raw };
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
