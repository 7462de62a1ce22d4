// A decision is lent only for the very bytes that the gateway would send (cases P1 to P9): whatever
// address is asked about, where a proxy may pass it on as it came, the gateway does so as well.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../../../../test/support/free-port.ts";
import fc from "../../../../test/support/properties.ts";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { application, everybody, open, startAccessFixture } from "./access-fixture.ts";

const pieces = [
  ...[
    "/",
    "//",
    "/./",
    "/../",
    "/..;/",
    "/.;x/",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    ";",
    ";a=b",
    "%2e",
    ".",
  ],
  ...[
    "..",
    "%2E%2e",
    "%252e",
    "%25",
    "%",
    "%zz",
    "%00",
    "%c3%a9",
    "%C3%A9",
    "%c0%ae",
    "é",
    "%7E",
    "~",
  ],
  ...[
    "public",
    "PUBLIC",
    "%70ublic",
    "admin",
    "ADMIN",
    "x",
    "a b",
    "a+b",
    "{x}",
    "cdn-cgi/access/",
  ],
  ...["?", "?a=b", "&token=x", "#", "?x=/../public", "|", '"', "<", "`"],
];

const addresses = fc
  .array(fc.constantFrom(...pieces), { maxLength: 7 })
  .map((parts) => `/${parts.join("")}`);

test("whatever address is asked about, a proxy may pass on only what the gateway would (P1 to P9)", async (context) => {
  const decisions = await freePort();
  const access = await startAccessFixture(
    context,
    [
      application("app", [everybody]),
      application("app/public", [open]),
      application("app/encoded", [open], { allow_encoded_slashes: true }),
    ],
    {
      trusted_proxies: ["127.0.0.1"],
      forward_auth: {
        listen: `127.0.0.1:${decisions}`,
        proxies: [{ cidr: "127.0.0.1", dialect: "haproxy" }],
      },
    },
  );
  const { upstream, port } = access.fixture;
  const client = ["Host: app.localhost", "X-Forwarded-For: 127.0.0.1", "Connection: close", "", ""];
  const ask = (to: number, target: string) =>
    rawExchange(to, [`GET ${target} HTTP/1.1`, ...client].join("\r\n"));
  let lent = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("", "/public", "/encoded"), addresses, async (start, rest) => {
      const target = `${start}${rest}`;
      const answer = await ask(decisions, `/cdn-cgi/access/forward-auth/haproxy${target}`);
      const direct = await ask(port, target);
      const [seen] = upstream.requests.splice(0);
      if (answer.status !== 200) return;
      lent += 1;
      assert.equal(direct.status, 200, target);
      assert.equal(seen?.url, target);
    }),
    { numRuns: 600 },
  );
  assert.ok(lent > 20, `${lent} decisions were lent`);
});
