// A TCP connection through a WebSocket (docs/protocol.md, 10), with nothing but Node 20 or newer:
//
//   node connect.mjs https://box.example.com                  standard streams, for ProxyCommand of ssh
//   node connect.mjs https://db.example.com --listen 15432    a port of this machine, for psql and its like
//
// More: --destination host:port for a bastion, --token-file FILE in place of `postern access token`.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createServer } from "node:net";
import { Duplex, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";

const opcodes = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa };

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    listen: { type: "string" },
    destination: { type: "string" },
    "token-file": { type: "string" },
  },
});
const url = new URL(positionals[0] ?? "");

if (flags.listen === undefined) {
  const standard = Duplex.from({ readable: process.stdin, writable: process.stdout });
  carry(standard).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
} else {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    carry(socket).catch((error) => {
      process.stderr.write(`${error.message}\n`);
      socket.destroy();
    });
  });
  server.listen(Number(flags.listen), "127.0.0.1", () => process.stdout.write("listening\n"));
}

/** Opens a stream, and carries bytes both ways until both directions have ended. */
async function carry(local) {
  const remote = await open();
  const control = (opcode, payload) => remote.write(frame(opcode, payload));
  await Promise.all([
    pipeline(local, framed(), remote, { end: false }),
    pipeline(remote, unframed(control), local),
  ]);
  remote.end();
}

/** The connection behind the answer to the upgrade. */
function open() {
  const headers = {
    Host: url.host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Protocol": "postern.tcp.v1",
    "cf-access-token": token(),
  };
  if (flags.destination !== undefined) headers["Cf-Access-Jump-Destination"] = flags.destination;
  const request = url.protocol === "http:" ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const asked = request(url, { hostname: addressOf(url.hostname), headers });
    asked.on("error", reject);
    asked.on("upgrade", (_response, socket, first) => {
      socket.unshift(first);
      resolve(socket);
    });
    asked.on("response", async (response) => {
      let text = "";
      for await (const piece of response) text += piece;
      reject(new Error(`${response.statusCode}: ${text.trim()}`));
    });
    asked.end();
  });
}

/** Every name below .localhost is this machine, and no resolver knows it. */
function addressOf(hostname) {
  return hostname.endsWith(".localhost") ? "127.0.0.1" : hostname;
}

function token() {
  const file = flags["token-file"];
  if (file !== undefined) return readFileSync(file, "utf8").trim();
  return execFileSync("postern", ["access", "token", url.href]).toString().trim();
}

/** Bytes → binary frames, and an empty one at their end. */
function framed() {
  return new Transform({
    transform: (piece, _encoding, done) => done(null, frame(opcodes.binary, piece)),
    flush: (done) => done(null, frame(opcodes.binary, Buffer.alloc(0))),
  });
}

/** A frame as clients send it: masked. */
function frame(opcode, payload) {
  const mask = randomBytes(4);
  const bytes = Buffer.from(payload);
  for (let index = 0; index < bytes.length; index++) bytes[index] ^= mask[index & 3];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...lengthOf(bytes)]), mask, bytes]);
}

function lengthOf({ length }) {
  if (length < 126) return [0x80 | length];
  if (length < 65_536) return [0x80 | 126, length >> 8, length & 0xff];
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(BigInt(length));
  return [0x80 | 127, ...wide];
}

/** Frames → bytes. An empty one, or a close frame, is their end. */
function unframed(control) {
  let unread = Buffer.alloc(0);
  let isOver = false;
  return new Transform({
    transform(piece, _encoding, done) {
      unread = unread.length === 0 ? piece : Buffer.concat([unread, piece]);
      for (let next = readFrame(unread); next !== undefined; next = readFrame(unread)) {
        unread = unread.subarray(next.end);
        if (isOver) continue;
        if (next.opcode === opcodes.ping) control(opcodes.pong, next.payload);
        else if (next.opcode === opcodes.close) {
          const code = next.payload.length === 0 ? 1005 : next.payload.readUInt16BE(0);
          control(opcodes.close, next.payload);
          if (code !== 1000) return done(new Error(`${code} ${next.payload.subarray(2)}`));
        } else if (next.opcode === opcodes.binary && next.payload.length > 0)
          this.push(next.payload);
        else if (next.opcode === opcodes.binary) {
          isOver = true;
          this.push(null);
        }
      }
      done();
    },
  });
}

function readFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const start = { 126: 4, 127: 10 }[short] ?? 2;
  if (bytes.length < start) return undefined;
  const length =
    start === 2 ? short : Number(start === 4 ? bytes.readUInt16BE(2) : bytes.readBigUInt64BE(2));
  const end = start + length;
  if (bytes.length < end) return undefined;
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, end), end };
}
