// TLS as an operator sees it: which certificate who gets, and that a renewal needs no restart.
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { freePort } from "../support/gateway.ts";
import { rawExchange } from "../support/raw-request.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  askUntil,
  host,
  openTo,
  said,
  startGateway,
  teamHost,
} from "./gateway-process-fixture.ts";

/**
 * The names in the certificate that a client gets. @param servername undefined: the client names no
 * host
 */
function namesShown(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: "127.0.0.1",
        port,
        rejectUnauthorized: false,
        ...(servername === undefined ? {} : { servername }),
      },
      () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? "");
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

/** Each file appears at once, as renewal tools do it. */
function putInPlace(
  { cert_file, key_file }: TestCertificate,
  into: { cert_file: string; key_file: string },
): void {
  copyFileSync(key_file, `${into.key_file}.new`);
  copyFileSync(cert_file, `${into.cert_file}.new`);
  renameSync(`${into.key_file}.new`, into.key_file);
  renameSync(`${into.cert_file}.new`, into.cert_file);
}

test(
  "each host is shown its own certificate, whoever names no host the first, and both are served",
  needs("openssl"),
  async (context) => {
    const upstream = await startUpstream();
    context.after(() => upstream.close());
    const [team, wildcard] = [
      certificateFor(context, [teamHost]),
      certificateFor(context, ["*.example.test"]),
    ];
    const operator = await anOperator(context, {
      ...openTo(upstream.origin),
      tls: { certificates: [team, wildcard] },
    });
    operator.write({});
    await operator.start();
    const { port } = operator;

    const ca = [team.ca, wildcard.ca];
    const application = await ask({
      port,
      ca,
      servername: host,
      path: "/v1?x=1",
      headers: { Host: `${host}:${port}` },
    });
    assert.equal(application.status, 200, application.text);
    assert.equal(upstream.requests[0]?.url, "/v1?x=1");
    const certs = await ask({
      port,
      ca,
      servername: teamHost,
      path: "/cdn-cgi/access/certs",
      headers: { Host: `${teamHost}:${port}` },
    });
    assert.equal(certs.status, 200, certs.text);

    const shown = await Promise.all(
      [teamHost, host, host.toUpperCase(), "elsewhere.test", undefined].map((name) =>
        namesShown(port, name),
      ),
    );
    const [first, second] = [`DNS:${teamHost}`, "DNS:*.example.test"];
    assert.deepEqual(shown, [first, second, second, first, first]);
  },
);

test(
  "replaced certificate files are taken up without a restart, also for clients that name no host",
  needs("openssl"),
  async (context) => {
    const operator = await anOperator(context, openTo("http_status:204"));
    const pair = {
      cert_file: join(operator.folder, "site.pem"),
      key_file: join(operator.folder, "site.key"),
    };
    putInPlace(certificateFor(context, [teamHost, "before.test"]), pair);
    operator.write({ tls: { certificates: [pair] } });
    const running = await operator.start();
    for (const name of [teamHost, undefined])
      assert.match(await namesShown(operator.port, name), /before\.test/);

    putInPlace(certificateFor(context, [teamHost, "after.test"]), pair);
    await said(running, "the certificates were reloaded");
    for (const name of [teamHost, undefined])
      assert.match(await namesShown(operator.port, name), /after\.test/);

    writeFileSync(pair.cert_file, "not a certificate");
    await said(
      running,
      "the changed certificates cannot be used; the previous ones stay in effect",
    );
    for (const name of [teamHost, undefined])
      assert.match(await namesShown(operator.port, name), /after\.test/);

    putInPlace(certificateFor(context, [teamHost, "mended.test"]), pair);
    await said(running, "the certificates were reloaded", 2);
    assert.match(await namesShown(operator.port, teamHost), /mended\.test/);
  },
);

test(
  "a certificate and key of which half is written are not served, and the log names the file and what to put there",
  needs("openssl"),
  async (context) => {
    const operator = await anOperator(context, openTo("http_status:204"));
    const pair = {
      cert_file: join(operator.folder, "site.pem"),
      key_file: join(operator.folder, "site.key"),
    };
    const before = certificateFor(context, [teamHost, "before.test"]);
    const after = certificateFor(context, [teamHost, "after.test"]);
    const cert = readFileSync(after.cert_file, "utf8");
    const key = readFileSync(after.key_file, "utf8");
    putInPlace(before, pair);
    operator.write({ tls: { certificates: [pair] } });
    const running = await operator.start();
    const states: readonly [() => void, RegExp][] = [
      [
        () => writeFileSync(pair.cert_file, ""),
        /site\.pem contains no complete PEM certificate; put/,
      ],
      [
        () => writeFileSync(pair.cert_file, cert.slice(0, 200)),
        /site\.pem contains no complete PEM cert/,
      ],
      [() => writeFileSync(pair.cert_file, cert), /site\.key is not the key of .*site\.pem; use/],
      [
        () => writeFileSync(pair.key_file, key.slice(0, 60)),
        /site\.key contains no complete PEM private key/,
      ],
      [() => rmSync(pair.key_file), /site\.key cannot be read \(ENOENT\); put a file there/],
    ];
    for (const [index, [write, expected]] of states.entries()) {
      write();
      const line = await said(running, "the changed certificates cannot be used", index + 1);
      assert.match(String(line["error"]), expected);
      assert.match(await namesShown(operator.port, teamHost), /before\.test/);
    }
    writeFileSync(pair.key_file, key);
    await said(running, "the certificates were reloaded");
    assert.match(await namesShown(operator.port, teamHost), /after\.test/);
    assert.doesNotMatch(running.stderr(), /PRIVATE KEY/);
  },
);

test(
  "a client that never finishes its TLS handshake is cut off, and one that speaks plain HTTP there gets nothing (O5)",
  needs("openssl"),
  async (context) => {
    const certificate = certificateFor(context, [teamHost, host]);
    const operator = await anOperator(context, {
      ...openTo("http_status:204"),
      tls: { certificates: [certificate] },
    });
    operator.write({ limits: { header_timeout: "200ms" } });
    const running = await operator.start();
    const plain = await rawExchange(
      operator.port,
      `GET / HTTP/1.1\r\nHost: ${host}:${operator.port}\r\n\r\n`,
    );
    assert.equal(plain.raw, "");
    const silent = connectPlain(operator.port, "127.0.0.1");
    await new Promise((resolve) => silent.on("close", resolve).resume());

    // Nor does one that has just begun keep the gateway from ending.
    const late = connectPlain(operator.port, "127.0.0.1");
    await new Promise<void>((resolve) => late.on("connect", resolve));
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0);
  },
);

test(
  "certificates are read again when their folder is replaced, whoever does it, and on SIGHUP",
  needs("openssl"),
  async (context) => {
    const operator = await anOperator(context, openTo("http_status:204"));
    const live = join(operator.folder, "live");
    const pair = { cert_file: join(live, "site/site.pem"), key_file: join(live, "site/site.key") };
    const putFolder = (name: string, folder: string) => {
      mkdirSync(folder, { recursive: true });
      const files = { cert_file: join(folder, "site.pem"), key_file: join(folder, "site.key") };
      putInPlace(certificateFor(context, [teamHost, name]), files);
    };
    putFolder("before.test", join(live, "site"));
    operator.write({ tls: { certificates: [pair] } });
    const running = await operator.start();
    const { port } = operator;
    const isShown = (name: string) =>
      askUntil(
        () => namesShown(port, teamHost),
        (names) => names.includes(name),
      );
    await isShown("before.test");

    // 1. The folder is moved away, and another takes its place, twice.
    for (const name of ["renamed.test", "again.test"]) {
      putFolder(name, join(operator.folder, "next"));
      renameSync(join(live, "site"), join(operator.folder, `old-${name}`));
      renameSync(join(operator.folder, "next"), join(live, "site"));
      await isShown(name);
    }

    // 2. It is removed, and made anew.
    rmSync(join(live, "site"), { recursive: true });
    putFolder("anew.test", join(live, "site"));
    await isShown("anew.test");

    // 3. The folder above is replaced, and what lies in the new one is changed later.
    putFolder("above.test", join(operator.folder, "live-2/site"));
    renameSync(live, join(operator.folder, "live-1"));
    renameSync(join(operator.folder, "live-2"), live);
    await isShown("above.test");
    putInPlace(certificateFor(context, [teamHost, "inside.test"]), pair);
    await isShown("inside.test");

    // 4. A link takes the place of the folder, and is switched.
    for (const name of ["link.test", "switched.test"]) {
      const folder = join(operator.folder, name);
      putFolder(name, folder);
      rmSync(join(live, "site"), { recursive: true });
      symlinkSync(folder, join(live, "site"));
      await isShown(name);
    }

    const times = running.stderr().split("the certificates were reloaded").length;
    running.child.kill("SIGHUP");
    await said(running, "the certificates were reloaded", times);
  },
);

test("the configuration is read again when its folder is replaced", async (context) => {
  const operator = await anOperator(context, openTo("http_status:204"));
  const folder = join(operator.folder, "etc");
  const file = join(folder, "postern.yaml");
  const write = (into: string, status: number) => {
    mkdirSync(into, { recursive: true });
    operator.write({
      auth_domain: `login.localhost:${operator.port}`,
      store: "sqlite::memory:",
      secret_key_file: join(operator.folder, "secret.key"),
      ...openTo(`http_status:${status}`, "app.localhost"),
    });
    renameSync(operator.file, join(into, "postern.yaml"));
  };
  write(folder, 204);
  const running = startGateway(context, file);
  await running.until(/the gateway is up/);
  const status = async () =>
    (await ask({ port: operator.port, headers: { Host: "app.localhost" } })).status;
  assert.equal(await status(), 204);
  write(join(operator.folder, "next"), 410);
  renameSync(folder, join(operator.folder, "old"));
  renameSync(join(operator.folder, "next"), folder);
  assert.equal(await askUntil(status, (answer) => answer === 410), 410);
});

test(
  "a certificate that is not valid today is served, and the log says so: at the start and when it is renewed with such a one",
  needs("openssl"),
  async (context) => {
    const expired = { from: "20200101000000Z", to: "20210101000000Z" };
    const future = { from: "20600101000000Z", to: "20610101000000Z" };
    const operator = await anOperator(context, openTo("http_status:204"));
    const pair = {
      cert_file: join(operator.folder, "site.pem"),
      key_file: join(operator.folder, "site.key"),
    };
    putInPlace(certificateFor(context, [teamHost], expired), pair);
    operator.write({ tls: { certificates: [pair] } });
    const running = await operator.start();
    assert.match(
      running.stderr(),
      /cert_file: contains a certificate that expired on 2021-01-01 \(CN=/,
    );
    assert.match(await namesShown(operator.port, teamHost), /login\.example\.test/);

    putInPlace(certificateFor(context, [teamHost], future), pair);
    const renewed = await said(running, "a certificate in use is not valid today");
    assert.match(String(renewed["fault"]), /not valid before 2060-01-01/);
    assert.equal(renewed["file"], pair.cert_file);

    // The first one is good, and an authority behind it is not.
    const leaf = certificateFor(context, [teamHost]);
    const authority = certificateFor(context, ["authority.test"], expired);
    const chain = readFileSync(leaf.cert_file, "utf8") + readFileSync(authority.cert_file, "utf8");
    writeFileSync(leaf.cert_file, chain);
    putInPlace(leaf, pair);
    const chained = await said(running, "a certificate in use is not valid today", 2);
    assert.match(String(chained["fault"]), /expired on 2021-01-01/);
  },
);

test(
  "a client that shuts its sending side after a whole request gets its answer, in the clear and over TLS",
  needs("openssl"),
  async (context) => {
    const upstream = await startUpstream();
    context.after(() => upstream.close());
    upstream.answerWith((request, response) => {
      request.resume();
      setTimeout(() => response.end("the answer"), 100);
    });
    const tls = certificateFor(context, [teamHost, host]);
    const plainPort = await freePort();
    const operator = await anOperator(context, openTo(upstream.origin));
    operator.write({ tls: { certificates: [tls] }, redirect_http: `127.0.0.1:${plainPort}` });
    await operator.start();
    const request = (method: string, more: string) =>
      `${method} / HTTP/1.1\r\nHost: ${host}:${operator.port}\r\n${more}`;
    for (const text of [
      request("GET", "\r\n"),
      request("GET", "Connection: close\r\n\r\n"),
      request("POST", "Content-Length: 4\r\n\r\nbody"),
      request("PUT", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
      `GET / HTTP/1.0\r\nHost: ${host}:${operator.port}\r\n\r\n`,
      request("GET", "\r\n") + request("GET", "\r\n"),
    ]) {
      const options: ConnectionOptions & { allowHalfOpen: boolean } = {
        host: "127.0.0.1",
        port: operator.port,
        ca: tls.ca,
        servername: host,
        allowHalfOpen: true,
      };
      const socket = connect(options);
      socket.end(text);
      let received = "";
      for await (const chunk of socket) received += String(chunk);
      assert.match(received, /^HTTP\/1\.1 200 [\s\S]*the answer/, text);
    }
    const plain = connectPlain({ host: "127.0.0.1", port: plainPort, allowHalfOpen: true });
    plain.end(request("GET", "\r\n"));
    let received = "";
    for await (const chunk of plain) received += String(chunk);
    assert.match(received, /^HTTP\/1\.1 308 /);
  },
);
