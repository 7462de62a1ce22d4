// Ports for tests that must name one before anything listens there: the team domain's name holds
// it.
import { createServer } from "node:net";

// Below the range from which the system gives ports to outgoing connections: one of those could
// take a port between the moment it is found free and the moment it is listened on. Each process
// begins in a block of its own, since test files run side by side.
const lowest = 10_000;
const blocks = 1_100;
const blockSize = 20;

let next = lowest + (process.pid % blocks) * blockSize;

/** A port of 127.0.0.1 that is free, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < blocks * blockSize; tries++) {
    const port = next;
    next = lowest + ((next + 1 - lowest) % (blocks * blockSize));
    if (await isFree(port)) return port;
  }
  throw new Error("no port of 127.0.0.1 is free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
