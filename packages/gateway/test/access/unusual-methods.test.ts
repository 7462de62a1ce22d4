// A method is any token (RFC 9110 9.1), and the origin gets it as the client wrote it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { overNodeHttp } from "../../../../test/support/transport.ts";
import { gatewayTo, host, rawOrigin } from "./forward-fixture.ts";

const known = ["PROPFIND", "M-SEARCH"];
const unusual = ["LIST", "UPDATE", "VERSION-CONTROL", "X", "FOO!", "PROPFINDER", "Traced"];

test("any token is a method, and reaches the origin as it is", async (context) => {
  const lines: string[] = [];
  const { origin } = await rawOrigin(context, (socket) => {
    socket.on("data", (bytes) => {
      lines.push(bytes.toString("latin1").split("\r\n")[0] ?? "");
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const methods = overNodeHttp ? known : [...known, ...unusual];
  for (const method of methods) {
    const answer = await rawRequest(gateway.port, `${method} /x HTTP/1.1`, [`Host: ${host}`]);
    assert.equal(answer.status, 200, method);
  }
  assert.deepEqual(
    lines,
    methods.map((method) => `${method} /x HTTP/1.1`),
  );
});

const refused = [
  ...["TRACE", "trace", "Trace", "TRACK", "track", "CONNECT", "connect", "PRI", "pri"],
  ...["get", "Get", "options", "post", "propfind"],
];

test("TRACE, TRACK and CONNECT in any writing, and common methods in another, reach nobody (H9)", async (context) => {
  const statuses = overNodeHttp ? [400, 405, 501] : [405];
  let connections = 0;
  const { origin } = await rawOrigin(context, () => connections++);
  const gateway = await gatewayTo(context, [{ service: origin }]);
  for (const method of refused) {
    const { status } = await rawRequest(gateway.port, `${method} /x HTTP/1.1`, [`Host: ${host}`]);
    assert.ok(statuses.includes(status), `${method}: ${status}`);
  }
  assert.equal(connections, 0);
});
