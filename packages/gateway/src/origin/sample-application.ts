// The application that `postern dev` protects when one has none of one's own: answers every request
// with what it saw, so that a person sees what an origin gets from the gateway.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const bodyLimit = 65_536;

/** A running sample application. */
export interface SampleApplication {
  /** `http://127.0.0.1:<port>` */
  origin: string;
  close(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startSampleApplication(): Promise<SampleApplication> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyLimit) chunks.push(chunk);
    });
    request.on("end", () => {
      const headers = { ...request.headers };
      // The assertion is a credential: a demonstration does not print it.
      if (headers["cf-access-jwt-assertion"] !== undefined) {
        headers["cf-access-jwt-assertion"] = "(a signed token, not shown)";
      }
      const answer = {
        message: "Hello from the API behind the gateway",
        you: request.headers["cf-access-authenticated-user-email"] ?? null,
        method: request.method,
        url: request.url,
        headers,
        body: Buffer.concat(chunks).toString("utf8"),
        body_bytes: size,
      };
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(`${JSON.stringify(answer, null, 2)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
