import assert from "node:assert/strict";
import { test } from "node:test";
import {
  openLink,
  readSignInLink,
  sealLink,
  writeSignInLink,
} from "../../src/tokens/sign-in-link.ts";
import { minute, openTokenFixture } from "./token-fixture.ts";

const link = {
  aud: "a".repeat(64),
  authority: "app.example.com:8443",
  redirectUrl: "/reports?year=2026",
  appSession: "hash",
};
const stated = { aud: link.aud, redirectUrl: link.redirectUrl };

function partsOf(url: string): { authority: string; query: string; teamAuthority: string } {
  const { host, pathname, search } = new URL(url);
  return {
    authority: pathname.split("/").at(-1) ?? "",
    query: search.slice(1),
    teamAuthority: host,
  };
}

test("a sign-in link says on the team domain what the application's host put into it", async (context) => {
  const { tokens } = await openTokenFixture(context);
  const url = writeSignInLink(tokens, "https://login.example.com:8443", link);
  assert.ok(
    url.startsWith("https://login.example.com:8443/cdn-cgi/access/login/app.example.com:8443?kid="),
  );
  assert.deepEqual(readSignInLink(tokens, partsOf(url)), { ...stated, appSession: "hash" });
});

test("a sign-in link that somebody altered, doubled or kept for long is vouched for no more (L4)", async (context) => {
  const { tokens, clock } = await openTokenFixture(context);
  const parts = partsOf(writeSignInLink(tokens, "https://login.example.com", link));
  const broken = [
    { ...parts, authority: "other.example.com:8443" },
    { ...parts, authority: "app.example.com:9443" },
    { ...parts, query: parts.query.replace("2026", "2027") },
    { ...parts, query: parts.query.replace("kid=a", "kid=b") },
    { ...parts, query: parts.query.replace("meta=", "meta=x") },
    { ...parts, query: `${parts.query}&redirect_url=%2F` },
    { ...parts, query: `${parts.query}&meta=` },
  ];
  for (const each of broken)
    assert.equal(readSignInLink(tokens, each).appSession, undefined, JSON.stringify(each));
  clock.now += 5 * minute;
  assert.deepEqual(readSignInLink(tokens, parts), { ...stated, appSession: undefined });
});

test("a link may name the team domain's own port where its seal names none, and no other port", async (context) => {
  const { tokens } = await openTokenFixture(context);
  const meta = sealLink(tokens, { ...link, authority: "app.example.com" });
  const query = new URLSearchParams({ kid: link.aud, meta, redirect_url: link.redirectUrl });
  const read = (teamAuthority: string) =>
    readSignInLink(tokens, { authority: link.authority, query: query.toString(), teamAuthority });
  assert.equal(read("login.example.com:8443").appSession, "hash");
  assert.equal(read("login.example.com").appSession, undefined);
});

test("a seal is for exactly the arguments beside it", async (context) => {
  const { tokens } = await openTokenFixture(context);
  const meta = sealLink(tokens, link);
  assert.deepEqual(openLink(tokens, meta, link), link);
  for (const name of ["aud", "authority", "redirectUrl"] as const) {
    assert.equal(openLink(tokens, meta, { ...link, [name]: "other" }), undefined);
    assert.equal(openLink(tokens, meta, { ...link, [name]: undefined }), undefined);
  }
  assert.equal(openLink(tokens, undefined, link), undefined);
});
