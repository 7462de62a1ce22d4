import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { browserNonce } from "../../src/http/browser-binding.ts";
import { cookieValues } from "../../src/http/cookies.ts";
import { takeToken } from "../../src/http/query-tokens.ts";
import { isAppOf } from "../../src/tokens/bound-browser.ts";
import { hour, openTokenFixture } from "./token-fixture.ts";

/** Short enough for Node to keep it in the heap, where it is counted. */
const padding = Buffer.alloc(512 * 1024, "x");

/** Where a token stands in what a client sends, among much else. */
const places = {
  "a cookie before others": (token: string) =>
    cookieValues([lineWith(`CF_Authorization=${token}; other=`, "")], "CF_Authorization"),
  "a cookie behind others": (token: string) =>
    cookieValues([lineWith("other=", `; CF_Authorization=${token}`)], "CF_Authorization"),
  "a long query": (token: string) => [
    takeToken(lineWith(`token=${token}&other=`, ""), () => true)?.token,
  ],
};

/** One string of its own, as the parser of HTTP makes it. */
function lineWith(before: string, after: string): string {
  return Buffer.concat([Buffer.from(before), padding, Buffer.from(after)]).toString("latin1");
}

for (const [place, readTokens] of Object.entries(places)) {
  test(`a remembered token keeps nothing in memory of what was sent beside it: ${place}`, async (context) => {
    const fixture = await openTokenFixture(context);
    const { aud } = fixture.application;
    const session = await fixture.session();
    const count = 24;
    const before = heapAfterCollection();
    for (let nth = 0; nth < count; nth++) {
      const issued = await fixture.tokens.issueApp(session, fixture.application, hour + nth * 1000);
      const [token = ""] = readTokens(issued);
      assert.equal(token, issued);
      assert.ok((await fixture.tokens.verifyApp(token, aud)).ok);
      assert.ok(fixture.tokens.cachedApp(issued, aud)?.ok, "it is remembered");
    }
    const growth = heapAfterCollection() - before;
    assert.ok(growth < (count * padding.length) / 2, `${growth} bytes for ${count} tokens`);
  });
}

test("a remembered token keeps nothing in memory of what was sent beside its browser's nonce", async (context) => {
  const fixture = await openTokenFixture(context);
  const { aud } = fixture.application;
  const session = await fixture.session();
  const count = 24;
  const before = heapAfterCollection();
  for (let nth = 0; nth < count; nth++) {
    const own = `${nth}`.padStart(32, "n");
    const token = await fixture.tokens.issueApp(session, fixture.application, hour, own);
    const nonce = browserNonce([lineWith(`__Host-postern_browser=${own}; other=`, "")]);
    const verification = await fixture.tokens.verifyApp(token, aud);
    assert.ok(verification.ok && isAppOf({ nonce }, "cookie", verification));
    assert.equal(verification.browser, own, "it is remembered");
  }
  const growth = heapAfterCollection() - before;
  assert.ok(growth < (count * padding.length) / 2, `${growth} bytes for ${count} nonces`);
});

function heapAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
