// Ports for tests that must name one before anything listens there: the team domain's name holds
// it.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

// Below the range from which the system gives ports to outgoing connections: one of those could
// take a port between the moment it is found free and the moment it is listened on. Each process
// begins in a block of its own, since test files run side by side.
const lowest = 10_000;
const blocks = 1_100;
const blockSize = 20;

let next = lowest + (process.pid % blocks) * blockSize;

/**
 * A port of 127.0.0.1 that is free, and that nobody else is given while this process lives: it may
 * be listened on at any time, and be left and taken again.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < blocks * blockSize; tries++) {
    const port = next;
    next = lowest + ((next + 1 - lowest) % (blocks * blockSize));
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error("no port of 127.0.0.1 is free");
}

/**
 * Takes the UDP port of the same number, which stands for the claim: one process has it at a time,
 * it is in the way of no TCP listener, and it ends with the process.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4").unref();
    socket.once("error", () => socket.close(() => resolve(false)));
    socket.bind({ address: "127.0.0.1", port, exclusive: true }, () => resolve(true));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
