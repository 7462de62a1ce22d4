// `access doctor` at hosts that are really broken: each fault has its line, and its exit status.
// test/cli/doctor.txt has what it says where nothing is, and to whom nothing is secret.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor, type TestCertificate } from "../../../../test/support/tls.ts";
import { startPeer } from "../support/peer.ts";
import { startProxy } from "../support/proxy.ts";
import { machine } from "../support/terminal.ts";

const day = 24 * 3600_000;

/** As OpenSSL writes a time. */
function timeFromNow(days: number): string {
  const time = new Date(Date.now() + days * day).toISOString();
  return time.replace(/\.\d+Z$/, "Z").replace(/[-:T]/g, "");
}

/** A host that shows the certificate, and counts the requests that it gets. */
async function startHost(context: TestContext, { cert_file, key_file }: TestCertificate) {
  let requests = 0;
  const files = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
  const server = createServer(files, (_, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `https://app.localhost:${port}`, requests: () => requests };
}

async function examine(context: TestContext, args: string[], environment = {}) {
  const { status, stdout } = await machine(context).run(["access", "doctor", ...args], environment);
  const lines = stdout.trim().split("\n");
  return { status, lines, last: lines.at(-1) ?? "" };
}

test(
  "a certificate that has ended, is not begun, or is another host's: each is told, and nothing is sent",
  needs("openssl"),
  async (context) => {
    const ended = { from: timeFromNow(-20), to: timeFromNow(-3) };
    const future = { from: timeFromNow(3), to: timeFromNow(20) };
    for (const [hosts, validity, expected] of [
      [
        ["app.localhost"],
        ended,
        /^fail {2}certificate {2}it ended on \d{4}-\d\d-\d\d; whoever runs the host must renew it$/,
      ],
      [
        ["app.localhost"],
        future,
        /^fail {2}certificate {2}it begins on \d{4}-\d\d-\d\d; check this machine's clock$/,
      ],
      [
        ["other.localhost"],
        undefined,
        /^fail {2}certificate {2}it is for other\.localhost, and not for app\.localhost; check the address$/,
      ],
    ] as const) {
      const certificate = certificateFor(context, [...hosts], validity);
      const host = await startHost(context, certificate);
      const { status, last } = await examine(context, [host.url, "--ca-file", certificate.ca_file]);
      assert.match(last, expected);
      assert.equal(status, 5);
      assert.equal(host.requests(), 0);
    }
  },
);

test(
  "an authority that nobody trusts is named, with the flag that would trust it",
  needs("openssl"),
  async (context) => {
    const host = await startHost(context, certificateFor(context, ["app.localhost"]));
    const { status, last } = await examine(context, [host.url]);
    assert.match(
      last,
      /^fail {2}certificate {2}Postern test authority is not trusted here \(\w+\); .*--ca-file$/,
    );
    assert.equal(status, 5);
    assert.equal(host.requests(), 0);
  },
);

test(
  "a good certificate is told with its authority and its end, and warned of shortly before",
  needs("openssl"),
  async (context) => {
    const long = { from: timeFromNow(-3), to: timeFromNow(60) };
    const short = { from: timeFromNow(-3), to: timeFromNow(5.5) };
    for (const [validity, expected] of [
      [long, /^ok {4}certificate {2}for app\.localhost, from Postern test authority, until \S+$/],
      [
        short,
        /^warn {2}certificate {2}for app\.localhost, .* until \S+: 5 days; whoever runs the host must renew it$/,
      ],
    ] as const) {
      const certificate = certificateFor(context, ["app.localhost", "login.localhost"], validity);
      const gateway = await startGateway({
        sections: simpleSections("http://127.0.0.1:9"),
        tls: [certificate],
      });
      context.after(() => gateway.close());
      const url = gateway.origin("app.localhost");
      const { status, lines } = await examine(context, [url, "--ca-file", certificate.ca_file]);
      assert.ok(
        lines.some((line) => expected.test(line)),
        lines.join("\n"),
      );
      assert.match(lines.at(-1) ?? "", /^warn {2}session {6}not signed in; /);
      assert.equal(status, 0);
    }
  },
);

test(
  "the certificate is looked at through the proxy as well",
  needs("openssl"),
  async (context) => {
    const certificate = certificateFor(context, ["*.example.test"]);
    const peer = await startPeer(context, { secure: certificate });
    const proxy = await startProxy(context, peer.port);
    const flags = ["--ca-file", certificate.ca_file];
    const through = { HTTPS_PROXY: proxy.url };
    const { lines } = await examine(context, [peer.origin("app"), ...flags], through);
    assert.ok(lines.includes(`ok    proxy        ${proxy.url}`), lines.join("\n"));
    assert.match(
      lines.join("\n"),
      /certificate {2}for app\.example\.test, from Postern test authority/,
    );
    assert.match(lines.join("\n"), /^ok {4}gateway {6}login\.example\.test signed for /m);
  },
);

test("a clock that is wrong by minutes is warned of, and one that is wrong by hours fails", async (context) => {
  for (const [minutes, expectedStatus, expected] of [
    [3, 0, /^warn {2}clock {8}this machine is 3 minutes behind the gateway; set the clock/m],
    [-3, 0, /^warn {2}clock {8}this machine is 3 minutes ahead of the gateway; set the clock/m],
    [180, 1, /^fail {2}clock {8}this machine is 3 hours behind the gateway; set the clock/m],
  ] as const) {
    const peer = await startPeer(context);
    peer.answer = (_, response) => {
      response.setHeader("Date", new Date(Date.now() + minutes * 60_000).toUTCString());
      return false;
    };
    const { status, lines } = await examine(context, [peer.origin("app")]);
    assert.match(lines.join("\n"), expected);
    assert.equal(status, expectedStatus);
  }
});

test("a gateway whose word is not signed with its keys is not believed", async (context) => {
  const peer = await startPeer(context);
  peer.answer = ({ headers }, response) => {
    if (headers["cf-access-metadata-request"] === undefined) return false;
    response.setHeader("cf-access-metadata", "e30.e30.e30");
    response.writeHead(204).end();
    return true;
  };
  const { status, last } = await examine(context, [peer.origin("app")]);
  assert.match(last, /^fail {2}gateway {6}\S/);
  assert.equal(status, 5);
});
