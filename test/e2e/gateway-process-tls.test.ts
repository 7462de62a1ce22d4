// TLS as an operator sees it: which certificate who gets, and that a renewal needs no restart.
import assert from "node:assert/strict";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { rawExchange } from "../support/raw-request.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";
import { anOperator, ask, host, openTo, said, teamHost } from "./gateway-process-fixture.ts";

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
    await said(running, "the certificates were read again");
    for (const name of [teamHost, undefined])
      assert.match(await namesShown(operator.port, name), /after\.test/);

    writeFileSync(pair.cert_file, "not a certificate");
    await said(running, "changed certificates cannot be used; the ones before stay in force");
    for (const name of [teamHost, undefined])
      assert.match(await namesShown(operator.port, name), /after\.test/);

    putInPlace(certificateFor(context, [teamHost, "mended.test"]), pair);
    await said(running, "the certificates were read again", 2);
    assert.match(await namesShown(operator.port, teamHost), /mended\.test/);
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
