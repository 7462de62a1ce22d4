import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cookieExpiry,
  cookieValues,
  ownCookieAttributes,
  readCookies,
  removeCookieLine,
  setCookieLine,
  setsOwnCookie,
  withoutOwnCookies,
} from "../../src/http/cookies.ts";

test("every value of a cookie that a browser sends twice is read, in its order (T11)", () => {
  const lines = ["a=1; CF_Authorization=first", "CF_Authorization = second ;b=2"];
  assert.deepEqual(cookieValues(lines, "CF_Authorization"), ["first", "second"]);
});

test("a cookie whose name or value only contains the name is another cookie", () => {
  const lines = [
    "XCF_Authorization=1; CF_AuthorizationX=2; a=CF_Authorization=3; CF_Authorization",
  ];
  assert.deepEqual(cookieValues(lines, "CF_Authorization"), []);
  assert.deepEqual(cookieValues([], "CF_Authorization"), []);
});

test("a blank that browsers keep in a name makes another cookie, and never our __Host- one", () => {
  for (const blank of ["\u00a0", "\u000b", "\u000c", "\ufeff", "\u2003", "\u0085"])
    for (const name of [`${blank}__Host-a`, `__Host-a${blank}`])
      assert.deepEqual(
        cookieValues([`b=1; ${name}=planted`], "__Host-a"),
        [],
        JSON.stringify(name),
      );
  assert.deepEqual(cookieValues(["b=1; \t __Host-a \t=\t own "], "__Host-a"), ["own"]);
});

test("a cookie is found by its name wherever the whole line reads as one of that name", () => {
  const pieces = ["a", "a", "=", "=", ";", ";", " ", "\t", "\u00a0", "aa", "__Host-a", '"', "b"];
  const tries = Array.from({ length: 20_000 }, (_, seed) => {
    let state = seed + 1;
    const next = () => (state = (state * 48_271) % 2_147_483_647);
    return Array.from({ length: next() % 16 }, () => pieces[next() % pieces.length]).join("");
  });
  assert.ok(tries.some((line) => cookieValues([line], "a").length > 1));
  for (const line of tries) {
    const named = readCookies([line]).filter(({ name }) => name === "a");
    const expected = named.map(({ value }) => value);
    assert.deepEqual(cookieValues([line], "a"), expected, JSON.stringify(line));
  }
});

test("a value may hold the sign that ends a name", () => {
  assert.deepEqual(readCookies(["a=b=c; =d"]), [
    { name: "a", value: "b=c" },
    { name: "", value: "d" },
  ]);
});

test("the gateway's own cookies are taken out of a line and the others stay as they are", () => {
  const line = "a=1;  CF_Authorization=x; __Host-postern_attempt_0=y;b=2; CF_AppSession=z";
  assert.equal(withoutOwnCookies(line), "a=1;b=2");
  assert.equal(withoutOwnCookies("a=1;  b=2"), "a=1;  b=2");
  const others = "CF_AuthorizationX=1; XCF_Authorization; a=CF_AppSession=3";
  const lines: [string, string][] = [
    ["CF_Authorization=x", ""],
    ["CF_Authorization; \tCF_AppSession \u00a0=y;", ""],
    ["CF_Authorization=x;a=1", "a=1"],
    ["; a=1;;CF_Authorization=x;;b", "; a=1;;;b"],
    [others, others],
    ["postern_=1;__Host-postern_browser = 2;__host-postern_browser=3", "__host-postern_browser=3"],
  ];
  for (const [line, left] of lines) assert.equal(withoutOwnCookies(line), left, line);
  assert.equal(setsOwnCookie("CF_Authorization=x; Path=/"), true);
  assert.equal(setsOwnCookie("theme=CF_Authorization"), false);
  // A cookie without a name comes back as its value alone.
  assert.equal(setsOwnCookie("=CF_Authorization=x; Path=/"), true);
  assert.equal(setsOwnCookie(" = __Host-postern_browser=x"), true);
  assert.equal(setsOwnCookie("==CF_AppSession=x"), true);
  assert.equal(setsOwnCookie("=theme=CF_Authorization"), false);
});

test("a cookie of the gateway's own is out of reach of scripts, and Secure over https", () => {
  const cookie = { name: "CF_AppSession", value: "v" };
  assert.equal(
    setCookieLine(cookie, ownCookieAttributes("http")),
    "CF_AppSession=v; Path=/; HttpOnly; SameSite=Lax",
  );
  assert.equal(
    setCookieLine(cookie, { ...ownCookieAttributes("https"), expires: new Date(0) }),
    "CF_AppSession=v; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax; Secure",
  );
  assert.equal(
    removeCookieLine("CF_AppSession", ownCookieAttributes("http")),
    "CF_AppSession=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
  );
});

test("a cookie that would outlive 400 days ends just before them, as browsers cut it", () => {
  const day = 24 * 60 * 60_000;
  assert.equal(cookieExpiry(1_000 * day, 0).getTime(), 399 * day);
  assert.equal(cookieExpiry(2 * day, day).getTime(), 2 * day);
});
