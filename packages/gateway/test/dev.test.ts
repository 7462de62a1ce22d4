// What `postern dev` refuses before it starts anything. demo.test.ts runs it whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runDev } from "../src/dev.ts";

test("postern dev refuses applications and people that it cannot read, and says what to give", async () => {
  const api = "api=http://127.0.0.1:3000";
  for (const { upstreams = [api], allow = [], reason } of [
    { upstreams: ["login=http://127.0.0.1:1"], reason: /"login" cannot be a name/ },
    { upstreams: ["api=ftp://127.0.0.1"], reason: /write \[name=\]URL/ },
    { upstreams: ["http://127.0.0.1:1/path"], reason: /write \[name=\]URL/ },
    { upstreams: ["http://127.0.0.1:1/path"], reason: /has a path; .*: http:\/\/127\.0\.0\.1:1$/ },
    { upstreams: ["api=https://a.test?b"], reason: /has a query; .*: https:\/\/a\.test$/ },
    { upstreams: ["api=http://a.test#b"], reason: /has a fragment/ },
    { upstreams: ["api=http://ada@a.test"], reason: /has a user/ },
    { upstreams: ["3000"], reason: /write the whole URL: http:\/\/127\.0\.0\.1:3000$/ },
    { upstreams: ["api=localhost:3000"], reason: /write the whole URL: http:\/\/localhost:3000$/ },
    { upstreams: [api, api], reason: /two have the name "api"/ },
    { allow: ["ada"], reason: /--allow ada: write an email address or a domain/ },
    { allow: ["api="], reason: /--allow api=: write an email address or a domain/ },
    { allow: ["ada@"], reason: /write an email address/ },
    { allow: ["a b@example.com"], reason: /write an email address/ },
    {
      allow: ["wiki=ada@example.com"],
      reason: /there is no application "wiki"; the applications are echo, api/,
    },
    { allow: ["=ada@example.com"], reason: /write an email address/ },
  ]) {
    const options = { upstreams, allow, ephemeral: true, posternHome: "/nonexistent" };
    await assert.rejects(runDev(options), { code: "usage", message: reason });
  }
});
