// `node forward-port.ts FROM TO`, each a port of 127.0.0.1 or the path of a Unix socket: it
// connects two networks, of which each process sees one.
import { randomInt } from "node:crypto";
import { connect, createServer, type NetConnectOpts } from "node:net";

const [, , from = "", to = ""] = process.argv;

/** From another address each time: people come from many. */
function target(): NetConnectOpts {
  if (to.startsWith("/")) return { path: to };
  const localAddress = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
  return { port: Number(to), host: "127.0.0.1", localAddress };
}

const server = createServer((client) => {
  const other = connect(target());
  for (const [source, sink] of [
    [client, other],
    [other, client],
  ] as const) {
    source.pipe(sink);
    source.on("error", () => sink.destroy());
    source.on("close", () => sink.destroy());
  }
});
const place = from.startsWith("/") ? { path: from } : { port: Number(from), host: "127.0.0.1" };
server.listen(place, () => process.stdout.write("listening\n"));
