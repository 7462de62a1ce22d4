// Asks a listener of this gateway, as a client would: whether it accepts, reads and answers.
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

/** What is asked. */
export interface ListenerQuestion {
  listen: { kind: "tcp"; host: string; port: number } | { kind: "unix"; path: string };
  isTls: boolean;
  /** for `Host`, with its port */
  authority: string;
  /** for SNI */
  host: string;
  path: string;
  timeoutMs: number;
}

/**
 * Asks, and waits for the whole answer.
 * @returns its status
 * @throws {Error} when there is none in time
 */
export async function askListener(question: ListenerQuestion): Promise<number> {
  const { listen, isTls, authority, host, path, timeoutMs } = question;
  const options = {
    ...placeOf(listen),
    path,
    agent: false,
    headers: { Host: authority, Connection: "close" },
    signal: AbortSignal.timeout(timeoutMs),
    // It is this process that answers: what its certificate says is nobody's question here.
    rejectUnauthorized: false,
    servername: host,
  };
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const ask = isTls ? tlsRequest : plainRequest;
  ask(options, (answer: IncomingMessage) => {
    answer.resume();
    answer.once("end", () => resolve(answer.statusCode ?? 0));
    answer.once("error", reject);
  })
    .once("error", reject)
    .end();
  return promise;
}

/** A listener for every address is asked at the loopback one. */
function placeOf(listen: ListenerQuestion["listen"]) {
  if (listen.kind === "unix") return { socketPath: listen.path };
  const { host, port } = listen;
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return { host: host === "::" ? "::1" : host, port };
}
