// What a client may do to TLS: break it off with and without its last alert, begin it anew, name
// odd hosts and protocols, and be there when the certificate changes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from "node:tls";
import { freePort } from "../../../../test/support/free-port.ts";
import { certificateFor, type TestCertificate } from "../../../../test/support/tls.ts";
import { until } from "../../../../test/support/until.ts";
import { createListener, type Listener } from "../../src/http/listeners.ts";
import type { Exchange } from "../../src/http/transport.ts";

const transports = ["postern", "node"] as const;
const get = (path: string, version = "1.1") =>
  `GET ${path} HTTP/${version}\r\nHost: a.test\r\n\r\n`;
const post = "POST /body HTTP/1.1\r\nHost: a.test\r\n";

function answer({ head, response }: Exchange): void {
  const text = `of ${head.target};`;
  response.start({ status: 200, rawHeaders: ["Content-Length", String(text.length)] });
  response.end(text);
}

function answerWhenRead(exchange: Exchange): void {
  exchange.body.read({ data: () => undefined, end: () => answer(exchange) });
}

interface Server {
  listener: Listener;
  port: number;
  certificate: TestCertificate;
}

async function startServer(
  context: TestContext,
  transport: (typeof transports)[number],
  handler: (exchange: Exchange) => void,
): Promise<Server> {
  const certificate = certificateFor(context, ["a.test"]);
  const { cert_file, key_file } = certificate;
  const port = await freePort();
  const listener = await createListener({
    listen: { kind: "tcp", host: "127.0.0.1", port },
    limits: {
      header_bytes: 16_384,
      header_timeout: 500,
      idle_timeout: 60_000,
      body_timeout: 60_000,
      http2_streams: 128,
    },
    transport,
    http2: true,
    record: () => undefined,
    handler,
    noteRefusal: () => "0123456789abcdef",
    tls: { certificates: [{ cert_file, key_file }] },
  });
  context.after(() => listener.close(0));
  return { listener, port, certificate };
}

/** A client whose TLS and TCP end apart. */
interface Client {
  raw: Socket;
  socket: TLSSocket;
  received: string;
  fault: string | undefined;
  isClosed: boolean;
}

async function openClient(
  context: TestContext,
  { port, certificate }: Server,
  options: ConnectionOptions = {},
): Promise<Client> {
  const raw = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  context.after(() => raw.destroy());
  await once(raw, "connect");
  const own = { socket: raw, ca: certificate.ca, servername: "a.test", allowHalfOpen: true };
  const socket = tlsConnect({ ...own, ...options } as ConnectionOptions);
  const client: Client = { raw, socket, received: "", fault: undefined, isClosed: false };
  socket.on("data", (chunk) => {
    client.received += chunk.toString("latin1");
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    client.fault = error.code ?? error.message;
  });
  socket.on("close", () => {
    client.isClosed = true;
  });
  let isSecure = false;
  socket.once("secureConnect", () => {
    isSecure = true;
  });
  await until(() => isSecure || client.fault !== undefined || client.isClosed);
  return client;
}

for (const transport of transports) {
  test(`a body that a client breaks off, with or without its last alert, is no whole request (${transport})`, async (context) => {
    let begun = 0;
    let cuts = 0;
    const server = await startServer(context, transport, (exchange) => {
      begun++;
      exchange.response.onCut = () => cuts++;
      exchange.body.read({ data: () => undefined, end: () => assert.fail("it is not whole") });
    });
    const bodies = [
      "Content-Length: 10\r\n\r\nabc",
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ];
    const ends: ((client: Client) => void)[] = [
      ({ socket }) => socket.end(),
      ({ raw }) => raw.end(),
      ({ raw }) => raw.resetAndDestroy(),
    ];
    let ended = 0;
    for (const body of bodies) {
      for (const end of ends) {
        const client = await openClient(context, server);
        client.socket.write(post + body);
        await until(() => begun === ended + 1);
        end(client);
        ended++;
        await until(() => cuts === ended);
        assert.equal(client.received, "");
      }
    }
  });

  test(`a client that has said all, with or without its last alert, has its answer (${transport})`, async (context) => {
    const server = await startServer(context, transport, (exchange) => {
      setImmediate(() => answer(exchange));
    });
    const polite = await openClient(context, server);
    polite.socket.end(get("/polite"));
    await until(() => polite.received.endsWith("of /polite;"));
    const silent = await openClient(context, server);
    silent.socket.write(get("/silent"), () => silent.raw.end());
    await until(() => silent.received.endsWith("of /silent;"));
  });

  test(`nobody begins TLS anew on a connection, or sends a request before it stands (${transport})`, async (context) => {
    const server = await startServer(context, transport, answer);
    const client = await openClient(context, server, { maxVersion: "TLSv1.2" });
    let isBegunAnew: boolean | undefined;
    client.socket.renegotiate({}, (error) => {
      isBegunAnew = error === null;
    });
    await until(() => isBegunAnew !== undefined || client.fault !== undefined);
    assert.notEqual(isBegunAnew, true);
    // What a client may send early its session says (RFC 8446 4.2.10).
    const close = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    const { said } = await openssl(context, server.port, ["-tls1_3", "-ign_eof"], close);
    assert.match(said, /Max Early Data: 0/);
  });

  test(`each protocol is what was agreed on, and none where nothing was (${transport})`, async (context) => {
    const server = await startServer(context, transport, answer);
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (const name of ["h3", "http/1.0", "h2c", "HTTP/1.1", "spdy/3"]) {
      const client = await openClient(context, server, { ALPNProtocols: [name] });
      assert.match(client.fault ?? "", /NO_APPLICATION_PROTOCOL/, name);
    }
    for (const ALPNProtocols of [["http/1.1"], ["h3", "http/1.1"], undefined]) {
      const client = await openClient(context, server, { ALPNProtocols });
      client.socket.write(preface);
      await until(() => client.received.includes("\r\n\r\n"));
      assert.match(client.received, /^HTTP\/1\.1 (?:400|505) /);
    }
    const client = await openClient(context, server, { ALPNProtocols: ["http/1.1", "h2"] });
    client.socket.write(get("/as-http1"));
    await until(() => client.socket.readableEnded || client.isClosed);
    assert.doesNotMatch(client.received, /of \/as-http1/);
  });

  test(`a request goes on while the certificate changes, and the next connection has the new one (${transport})`, async (context) => {
    const server = await startServer(context, transport, answerWhenRead);
    const client = await openClient(context, server);
    client.socket.write(`${post}Content-Length: 6\r\n\r\nabc`);
    const next = certificateFor(context, ["a.test"]);
    copyFileSync(next.cert_file, server.certificate.cert_file);
    copyFileSync(next.key_file, server.certificate.key_file);
    server.listener.reloadCertificates();
    client.socket.write("def");
    await until(() => client.received.endsWith("of /body;"));
    client.socket.write(get("/again"));
    await until(() => client.received.endsWith("of /again;"));

    const old = await openClient(context, server);
    assert.notEqual(old.fault, undefined);
    const fresh = await openClient(context, server, { ca: next.ca });
    assert.equal(fresh.socket.authorized, true);
  });

  test(`whatever host a client names, it is served by a certificate of the gateway's (${transport})`, async (context) => {
    const server = await startServer(context, transport, answer);
    const names = [
      "b.test",
      ".test",
      "a.test.",
      "*.test",
      "xn--",
      "-",
      "a test",
      "A.TEST",
      "ä.test",
    ];
    for (const servername of [
      ...names,
      "a".repeat(255),
      ...names.map((name) => `${name}.a.test`),
    ]) {
      const client = await openClient(context, server, {
        servername,
        checkServerIdentity: () => undefined,
      });
      assert.deepEqual([client.fault, client.socket.authorized], [undefined, true], servername);
      client.socket.write(get("/"));
      await until(() => client.received.endsWith("of /;"));
      client.raw.destroy();
    }
  });

  test(`a handshake that stops is ended in time, and keeps no listener from closing (${transport})`, async (context) => {
    const server = await startServer(context, transport, answer);
    const open = async () => {
      const half = connect({ host: "127.0.0.1", port: server.port });
      half.on("error", () => undefined);
      half.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
      await once(half, "connect");
      return half;
    };
    await once(await open(), "close");
    const late = await open();
    await Promise.all([server.listener.close(10_000), once(late, "close")]);
  });

  test(`who has only a part of an answer over TLS hears no end of it (${transport})`, async (context) => {
    const server = await startServer(context, transport, (exchange) => {
      exchange.response.start({ status: 200, rawHeaders: [] });
      exchange.response.write(Buffer.from("a part"));
      setImmediate(() => exchange.destroy());
    });
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const { said, code } = await openssl(
        context,
        server.port,
        [version, "-quiet"],
        get("/", "1.0"),
      );
      assert.match(said, /a part[\s\S]*unexpected eof while reading/);
      assert.equal(code, 1);
    }
  });
}

/** What OpenSSL's client says, which insists on the alert at the end (RFC 8446 6.1). */
async function openssl(
  context: TestContext,
  port: number,
  options: string[],
  request: string,
): Promise<{ said: string; code: unknown }> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, ...options];
  const child = spawn("openssl", args, { stdio: "pipe" });
  context.after(() => child.kill());
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  child.stdin.write(request);
  const [code] = await once(child, "close");
  return { said, code };
}
