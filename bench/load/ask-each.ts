// Each of many requests once, as fast as they are answered: what fills a cache before it is
// measured.
import { createConnection } from "node:net";
import { requestTo, type Target } from "./probe.ts";
import { FailedRun } from "./run.ts";

const lanes = 64;
const headEnd = "\r\n\r\n";

/** @throws {FailedRun} when an answer is not 200, or a connection ends */
export async function askEach(targets: readonly Target[]): Promise<void> {
  const rest = targets.values();
  await Promise.all(Array.from({ length: lanes }, () => drive(rest)));
}

/** Takes from `rest`, whatever the other lanes take, one request after the other. */
function drive(rest: Iterator<Target>): Promise<void> {
  const first = rest.next().value;
  if (first === undefined) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection({ port: first.port, host: "127.0.0.1", noDelay: true });
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    if (!isWhole(answer)) return;
    if (!answer.startsWith("HTTP/1.1 200")) reject(new FailedRun(answer.slice(0, 500)));
    answer = "";
    const next = rest.next().value;
    if (next === undefined) resolve();
    else socket.write(requestTo(next), "latin1");
  });
  socket.once("error", reject);
  socket.once("close", () => reject(new FailedRun("the gateway ended a connection")));
  socket.write(requestTo(first), "latin1");
  return promise.finally(() => socket.destroy());
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf(headEnd);
  if (end < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(answer.slice(0, end))?.[1];
  return answer.length >= end + headEnd.length + Number(length);
}
