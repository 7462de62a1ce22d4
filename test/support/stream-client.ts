// A program's way to a stream service, as `access tcp` and `access ssh` have it: standard input and
// output, or a local listener, over a WebSocket of the `ws` package. For ProxyCommand, and for
// programs that know host and port alone.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { Duplex } from "node:stream";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";

const { values: flags } = parseArgs({
  options: {
    /** where the gateway listens: `ws://127.0.0.1:<port>/` */
    url: { type: "string", default: "" },
    /** the application's host */
    host: { type: "string", default: "" },
    /** a file that holds the token */
    "token-file": { type: "string" },
    destination: { type: "string" },
    /** one direction ends before the other */
    "half-close": { type: "boolean", default: false },
    /** a port of 127.0.0.1 in place of the standard streams; `listening` is said when it is open */
    listen: { type: "string" },
  },
});

if (flags.listen === undefined) {
  carry(Duplex.from({ readable: process.stdin, writable: process.stdout }), (code) =>
    process.exit(code),
  );
} else {
  const server = createServer({ allowHalfOpen: true }, (socket) => carry(socket, () => undefined));
  server.listen(Number(flags.listen), "127.0.0.1", () => process.stdout.write("listening\n"));
}

function carry(local: Duplex, end: (exitCode: number) => void): void {
  const headers: Record<string, string> = { Host: flags.host };
  const tokenFile = flags["token-file"];
  if (tokenFile !== undefined) headers["cf-access-token"] = readFileSync(tokenFile, "utf8").trim();
  if (flags.destination !== undefined) headers["Cf-Access-Jump-Destination"] = flags.destination;
  const protocols = flags["half-close"] ? ["postern.tcp.v1"] : [];
  const socket = new WebSocket(flags.url, protocols, { headers, perMessageDeflate: false });
  local.on("error", () => socket.terminate());
  socket.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    local.destroy();
    end(1);
  });
  socket.on("open", () => {
    local.on("data", (piece: Buffer) => {
      local.pause();
      socket.send(piece, () => local.resume());
    });
    local.on("end", () => {
      if (socket.protocol === "") socket.close();
      else socket.send(Buffer.alloc(0));
    });
  });
  socket.on("message", (data: Buffer) => {
    if (data.length === 0) {
      local.end();
      return;
    }
    if (local.write(data)) return;
    socket.pause();
    local.once("drain", () => socket.resume());
  });
  socket.on("close", (code, reason) => {
    if (code !== 1000) process.stderr.write(`closed: ${code} ${reason.toString()}\n`);
    local.end();
    end(code === 1000 ? 0 : 1);
  });
}
