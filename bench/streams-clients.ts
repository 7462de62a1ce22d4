// The clients of many idle WebSockets, a process of its own: `PORT COUNT HEADERS` opens them, says
// so, and says again when each of them has heard one message. Ends when one is ended.
import { readFileSync } from "node:fs";
import { countMessages } from "./streams/broadcaster.ts";
import { openWebSocket } from "./streams/raw-websocket.ts";

/** What a backlog of connections holds, and more. */
const atOnce = 100;

const [, , port = "", count = "", headersFile = ""] = process.argv;
const headers = JSON.parse(readFileSync(headersFile, "utf8"));
let left = Number(count);
for (let opened = 0; opened < Number(count); opened += atOnce) {
  const size = Math.min(atOnce, Number(count) - opened);
  await Promise.all(Array.from({ length: size }, openOne));
}
console.log("all are open");

async function openOne(): Promise<void> {
  const socket = await openWebSocket(Number(port), "/", headers);
  socket.once("close", () => {
    console.error("a WebSocket was ended");
    process.exit(1);
  });
  countMessages(socket, () => {
    left--;
    if (left === 0) console.log("all have heard");
  });
}
