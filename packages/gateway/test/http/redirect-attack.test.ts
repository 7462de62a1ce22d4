// What the plain port says to whoever wants it to lead somewhere else, or to read what is behind
// one request as another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { redirectToHttps } from "../../src/http/redirect-to-https.ts";
import { startListener } from "./transport-fixture.ts";

const handler = redirectToHttps({
  httpsPort: 8443,
  isServed: (host) => host === "a.test" || host.endsWith(".b.test"),
  noteRefusal: () => "0123456789abcdef",
});

const hosts = ["a.test", "A.TEST:80", "a.test:99999", "a.test.", "x.b.test"];
const targets = [
  ...["/", "//evil.example/", "/\\evil.example", "/@evil.example", "/%0d%0aSet-Cookie:%20a=b"],
  ...["/?next=https://evil.example", "/.evil.example", "/;x", "/%2e%2e//x", "/\xe4?\xff", "/a|b"],
  ...["http://a.test/x", "http://A.test:80/x", "http://a.test?x", "http://a.test", "*"],
  ...["http://evil.example/x", "https://a.test/x", "http://a.test@evil.example/", "a.test:443"],
  ...["http://a.test.evil.example/", "http://a.test\\@evil.example/", "/x#y", "http:/a.test/"],
];
const badHosts = [
  ...["evil.example", "a.test@evil.example", "a.test:443@evil.example", "a.test/evil", "a.test, x"],
  ...["", "a.test evil.example", "a.test:x", "evil.example.a.test", "[::1]", "*"],
  ...["a.test\\", "a.test#", "%61.test", "a.test%00", "x_.b.test.evil.example"],
];

for (const transport of ["postern", "node"] as const) {
  test(`the plain port leads to the same host over https, or nowhere (${transport})`, async (context) => {
    const { port } = await startListener(context, { handler, transport });
    for (const host of [...hosts, ...badHosts]) {
      for (const target of targets) {
        const text = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
        const { status, headers, raw } = await rawExchange(port, text);
        const said = JSON.stringify(text);
        assert.equal([...raw.matchAll(/^HTTP\/1\.1 /gm)].length, 1, said);
        if (status !== 308) {
          assert.ok([400, 405, 421].includes(status), `${said}: ${status}`);
          assert.equal(headers["location"], undefined, said);
          continue;
        }
        assert.ok(hosts.includes(host), said);
        const location = headers["location"] ?? "";
        const url = new URL(location);
        const expected = host.toLowerCase().replace(/:\d+$|\.$/, "");
        assert.equal(url.host, `${expected}:8443`, said);
        assert.equal(url.username + url.password, "", said);
        assert.ok(location.startsWith(`https://${expected}:8443/`), said);
        assert.match(location, /^[!-~]+$/, said);
      }
    }
  });

  test(`a body at the plain port is no request, and its client has the whole answer (${transport})`, async (context) => {
    const { port } = await startListener(context, { handler, transport });
    const hidden = "GET /hidden HTTP/1.1\r\nHost: a.test\r\n\r\n";
    const bodies = [
      `Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `Content-Length: ${hidden.length + 10}\r\n\r\n${hidden}`,
      `Transfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      `Expect: 100-continue\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n${hidden}`,
      `Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n${hidden}`,
    ];
    for (const body of bodies) {
      const { status, raw } = await rawExchange(
        port,
        `POST /x HTTP/1.1\r\nHost: a.test\r\n${body}`,
      );
      assert.equal(status, 308, body);
      assert.equal([...raw.matchAll(/HTTP\/1\.1 /g)].length, 1, body);
      assert.match(raw, /Connection: close/i);
      assert.doesNotMatch(raw, /\/hidden/);
    }
  });
}
