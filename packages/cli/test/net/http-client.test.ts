// One request and its answer: bounds, proxies, certificates, and what is shown of it.
import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import type { Context } from "../../src/context.ts";
import { CliError, type FailureCode } from "../../src/exit-status.ts";
import { withoutSecrets } from "../../src/net/debug.ts";
import { send, TimeoutError } from "../../src/net/http-client.ts";
import { surroundings } from "../support/context.ts";
import { end, startPeer } from "../support/peer.ts";
import { startProxy } from "../support/proxy.ts";
import { machine } from "../support/terminal.ts";

const get = (where: Context, url: string, more: object = {}) =>
  send(where, { method: "GET", url: new URL(url), timeout: 60_000, ...more });
const failing = (code: FailureCode, pattern: RegExp) => (error: unknown) =>
  error instanceof CliError && error.code === code && pattern.test(error.message)
    ? true
    : assert.fail(String(error));

test("a redirect is an answer and is not followed", async (context) => {
  const peer = await startPeer(context);
  peer.answer = (_, response) => {
    end(response, 302, "/elsewhere");
    return true;
  };
  const { status, headers } = await get(surroundings(context), peer.origin("app"));
  assert.deepEqual([status, headers.location, peer.requests.length], [302, "/elsewhere", 1]);
});

test("plain http leaves this machine for nowhere", async (context) => {
  const proxy = await startProxy(context, 1);
  const where = surroundings(context, {
    environment: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url },
  });
  for (const url of [
    "http://app.example.test/?token=geheim",
    "http://10.0.0.1/",
    "http://localhost.example.test/",
    "file:///etc/passwd",
  ])
    await assert.rejects(
      get(where, url),
      (error: unknown) =>
        failing("unverified", /not an https URL/)(error) && !String(error).includes("geheim"),
    );
  assert.deepEqual([proxy.tunnels, proxy.readable], [[], []]);
});

test("an answer that is too large, too slow or cut off is an error of its own", async (context) => {
  const peer = await startPeer(context);
  const where = surroundings(context);
  peer.answer = (seen, response) => {
    if (seen.url === "/large") response.end("x".repeat(1000));
    if (seen.url === "/cut")
      response
        .writeHead(200, { "Content-Length": "10" })
        .write("x", () => response.socket?.destroy());
    if (seen.url === "/slow-body") response.writeHead(200).write("x");
    return true;
  };
  await assert.rejects(
    get(where, `${peer.origin("app")}/large`, { limit: 999 }),
    failing("unverified", /more than 999 bytes/),
  );
  assert.equal(
    (await get(where, `${peer.origin("app")}/large`, { limit: 1000 })).body.length,
    1000,
  );
  await assert.rejects(get(where, `${peer.origin("app")}/silent`, { timeout: 1 }), TimeoutError);
  await assert.rejects(
    get(where, `${peer.origin("app")}/silent`, { timeout: 1 }),
    failing("unreachable", /^http:\/\/app\.localhost:\d+ does not answer; try again later$/),
  );
  await assert.rejects(
    get(where, `${peer.origin("app")}/silent`, { timeout: 1, remedy: "check the cable" }),
    failing("unreachable", /does not answer; check the cable$/),
  );
  await assert.rejects(
    get(where, `${peer.origin("app")}/slow-body`, { timeout: 50 }),
    TimeoutError,
  );
  await assert.rejects(
    get(where, `${peer.origin("app")}/cut`),
    failing("unreachable", /cannot be reached/),
  );
});

/** What answers on a port where TLS is expected, in place of a TLS server. */
const withoutTls: Record<string, string | Buffer> = {
  "an HTTP server": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
  "an SSH server": "SSH-2.0-OpenSSH_9.6\r\n",
  "a mail server": "220 mail.example.test ESMTP\r\n",
  zeros: Buffer.alloc(64),
  "a TLS record that is too long": Buffer.concat([
    Buffer.from([0x16, 3, 3, 0xff, 0xff]),
    Buffer.alloc(300, "A"),
  ]),
};

/** Servers that speak TLS, and refuse or fail the handshake. */
const failingTls: Record<string, Buffer> = {
  "an alert, handshake_failure": Buffer.from([0x15, 3, 3, 0, 2, 2, 40]),
  "an alert, protocol_version": Buffer.from([0x15, 3, 3, 0, 2, 2, 70]),
  "an alert, unrecognized_name": Buffer.from([0x15, 3, 3, 0, 2, 2, 112]),
  "a message out of turn": Buffer.from([0x16, 3, 3, 0, 5, 1, 2, 3, 4, 5]),
};

/** @returns the port of a server that answers whatever it is sent with these bytes */
async function startServerOf(context: TestContext, bytes: string | Buffer): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.write(bytes));
  });
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("https to a port without TLS is told as that, with what to write on this machine", async (context) => {
  const where = surroundings(context);
  for (const [name, bytes] of Object.entries(withoutTls)) {
    const port = await startServerOf(context, bytes);
    for (const host of ["app.localhost", "localhost", "127.0.0.1"]) {
      const message = `https://${host}:${port} does not speak TLS; if it is plain HTTP on this machine, write http://${host}:${port}`;
      await assert.rejects(
        get(where, `https://${host}:${port}/path`),
        { code: "unreachable", message },
        name,
      );
    }
  }
});

test("https to a port without TLS of another machine is not to be tried without", async (context) => {
  const port = await startServerOf(context, "HTTP/1.1 400 Bad Request\r\n\r\n");
  const proxy = await startProxy(context, port);
  const where = surroundings(context, { environment: { HTTPS_PROXY: proxy.url } });
  await assert.rejects(get(where, "https://app.example.test:8443/"), {
    code: "unreachable",
    message: "https://app.example.test:8443 does not speak TLS; check the host and the port",
  });
});

test("a TLS handshake that fails is told without OpenSSL's own words", async (context) => {
  const where = surroundings(context);
  for (const [name, bytes] of Object.entries(failingTls)) {
    const origin = `https://app.localhost:${await startServerOf(context, bytes)}`;
    const message = `${origin} and this program cannot agree on TLS; ask whoever runs it to check its certificate and that it takes TLS 1.2 or newer`;
    await assert.rejects(get(where, origin), { code: "unreachable", message }, name);
  }
});

async function secureScene(context: TestContext, names = ["*.example.test"]) {
  const certificate = certificateFor(context, names);
  const peer = await startPeer(context, { secure: certificate });
  const proxy = await startProxy(context, peer.port);
  const where = surroundings(context, {
    caFile: certificate.ca_file,
    environment: { HTTPS_PROXY: proxy.url },
  });
  return { certificate, peer, proxy, where };
}

test("https goes through the proxy of the environment as a tunnel, with its password", async (context) => {
  const { peer, proxy, where } = await secureScene(context);
  assert.equal((await get(where, peer.origin("elsewhere"))).body, "somewhere else");
  where.environment = {
    https_proxy: proxy.url.replace("//", "//ada:p%40ss%zz@"),
    HTTPS_PROXY: "http://127.0.0.1:1",
  };
  await get(where, `${peer.origin("elsewhere")}:8443/`);
  assert.deepEqual(proxy.tunnels, ["elsewhere.example.test:443", "elsewhere.example.test:8443"]);
  const credentials = proxy.headers.map((headers) => headers["proxy-authorization"]);
  assert.deepEqual(credentials, [
    undefined,
    `Basic ${Buffer.from("ada:p%40ss%zz").toString("base64")}`,
  ]);
  assert.deepEqual(proxy.readable, []);
});

test("NO_PROXY, and names of this machine, go without the proxy", async (context) => {
  const { peer, proxy, where } = await secureScene(context);
  // Nothing answers there without the proxy.
  for (const exempt of [
    "app.example.test",
    ".example.test",
    "example.test",
    "*.example.test",
    "*",
    "x, example.test:443",
  ]) {
    where.environment["NO_PROXY"] = exempt;
    await assert.rejects(
      get(where, peer.origin("app")),
      failing("unreachable", /cannot resolve/),
      exempt,
    );
  }
  for (const other of [
    "pp.example.test",
    "example.test:8443",
    "evil.test",
    "app.example.test.evil",
    "",
  ]) {
    where.environment["NO_PROXY"] = other;
    assert.equal((await get(where, `${peer.origin("elsewhere")}/`)).status, 200, other);
  }
  const before = proxy.tunnels.length;
  await assert.rejects(
    get(where, "https://localhost:1/"),
    failing("unreachable", /nothing answers/),
  );
  assert.equal(proxy.tunnels.length, before);
});

test("a proxy that refuses, is not there, or is none says so without its password", async (context) => {
  const { peer, proxy, where } = await secureScene(context);
  proxy.refusal = 407;
  const noPassword =
    (pattern: RegExp, code: FailureCode = "unreachable") =>
    (error: unknown) =>
      failing(code, pattern)(error) && !String(error).includes("geheim");
  where.environment = { HTTPS_PROXY: proxy.url.replace("//", "//ada:geheim@") };
  await assert.rejects(
    get(where, peer.origin("app")),
    noPassword(/refused to open a tunnel to app\.example\.test \(407\)/),
  );
  where.environment = { HTTPS_PROXY: "http://ada:geheim@127.0.0.1:1" };
  await assert.rejects(
    get(where, peer.origin("app")),
    noPassword(/cannot be reached \(ECONNREFUSED\)/),
  );
  where.environment = { HTTPS_PROXY: "socks5://ada:geheim@127.0.0.1:1" };
  await assert.rejects(
    get(where, peer.origin("app")),
    noPassword(/not an http or https URL/, "usage"),
  );
});

test(
  "a certificate of an unknown authority, or for another name, is refused with what to do",
  needs("openssl"),
  async (context) => {
    const { peer, where } = await secureScene(context, ["app.example.test"]);
    await assert.rejects(
      get(where, peer.origin("other")),
      failing("unverified", /not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/),
    );
    assert.equal(
      (await get(where, `${peer.origin("app")}/cdn-cgi/access/get-identity`)).status,
      401,
    );
    where.caFile = certificateFor(context, ["app.example.test"]).ca_file;
    await assert.rejects(
      get(where, peer.origin("app")),
      failing("unverified", /not trusted \(UNABLE_TO_VERIFY.*--ca-file/),
    );
    where.caFile = "/nowhere.pem";
    await assert.rejects(
      get(where, peer.origin("app")),
      failing("usage", /cannot be read \(ENOENT\)/),
    );
  },
);

test(
  "an authority of one's own is trusted however it is named, by this program and by curl",
  needs("curl"),
  async (context) => {
    const { certificate, peer, proxy } = await secureScene(context);
    const person = machine(
      context,
      `exec curl -s --cacert '${certificate.ca_file}' -o /dev/null "$1"`,
    );
    person.environment["HTTPS_PROXY"] = proxy.url;
    const url = peer.origin("app");
    const { ca_file: file } = certificate;
    const ways: [string[], Record<string, string>][] = [
      [["--ca-file", file], {}],
      [[], { POSTERN_CA_FILE: file }],
      [[], { NODE_EXTRA_CA_CERTS: file }],
    ];
    for (const [index, [flags, environment]] of ways.entries()) {
      const profile = ["--profile", `p${index}`];
      const login = await person.run(["access", "login", ...profile, ...flags, url], environment);
      assert.equal(login.status, 0, login.stderr);
      const curl = await person.run(
        ["access", "curl", "-sS", ...profile, ...flags, `${url}/x`],
        environment,
      );
      assert.deepEqual([curl.stdout, curl.stderr], ["hello from app.example.test\n", ""]);
    }
    for (const environment of [{}, { NODE_TLS_REJECT_UNAUTHORIZED: "0" }]) {
      const untrusting = await person.run(
        ["access", "login", "--profile", "other", peer.origin("other")],
        environment,
      );
      assert.equal(untrusting.status, 5);
      assert.match(untrusting.stderr, /not trusted .*--ca-file/);
    }
  },
);

test("what is shown of a URL holds no password, no key and no value", () => {
  assert.equal(
    withoutSecrets("https://ada:geheim@a.example/x?token=geheim&y=geheim#id=geheim"),
    "https://…@a.example/x?token=…&y=…#id=…",
  );
  assert.equal(
    withoutSecrets("https://a.example/transfer/geheim?x"),
    "https://a.example/transfer/…?x",
  );
});

test("--debug shows the exchange with secrets cut out", async (context) => {
  const peer = await startPeer(context);
  const where = surroundings(context, { debug: true });
  peer.answer = (_, response) => {
    response.setHeader("Set-Cookie", "CF_Authorization=geheim");
    response.setHeader("cf-access-metadata", "geheim");
    response.setHeader("Location", "https://a.example/?nonce=geheim");
    response.setHeader("X-Shown", "seen");
    response.statusCode = 302;
    response.end("geheim");
    return true;
  };
  const headers = {
    Cookie: "geheim",
    "cf-access-token": "geheim",
    "CF-Access-Client-Secret": "geheim",
    "X-Sent": "sent",
  };
  await get(where, `${peer.origin("app")}/transfer/geheim?token=geheim`, { headers });
  assert.doesNotMatch(where.told.join("\n"), /geheim/);
  for (const shown of [
    /^> GET .*\/transfer\/…\?token=…$/m,
    /^> X-Sent: sent$/m,
    /^< 302$/m,
    /^< x-shown: seen$/m,
    /^< location: .*nonce=…$/m,
  ])
    assert.match(where.told.join("\n"), shown);
});
