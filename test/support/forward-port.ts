// `node forward-port.ts SOCKET PORT`: what comes to a Unix socket goes to a port of this machine, or
// of the network in which this runs.
import { connect, createServer } from "node:net";

const [, , path, port] = process.argv;
const server = createServer((client) => {
  const target = connect(Number(port), "127.0.0.1");
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
});
server.listen(path, () => process.stdout.write("listening\n"));
