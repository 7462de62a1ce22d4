// The organization's mark: on every page, and as the icon of the browser's tab.
import assert from "node:assert/strict";
import { test } from "node:test";
import { monogramOf } from "../../src/login/pages/monogram.ts";
import { startLoginFixture } from "./login-fixture.ts";
import { Person, send } from "./person.ts";

const icon = "/cdn-cgi/access/icon.svg";

test("the mark is the first letter or digit of the name, as one capital", () => {
  for (const [name, mark] of [
    ["Nordlicht Logistik", "N"],
    ["example.com", "E"],
    ["  (the) firm", "T"],
    ["42 Freight", "4"],
    ["österreich", "Ö"],
    ["ßpeed", "ß"],
    ["東京", "東"],
    ["e\u0301cole", "E\u0301"],
    ["🚀", "🚀"],
    ["<b>", "B"],
    ["&", "&"],
  ] as const)
    assert.equal(monogramOf(name), mark, name);
});

test("the icon is served on every host of the gateway, to anybody, and is no document for scripts", async (context) => {
  const fixture = await startLoginFixture(context, {
    sections: { organization: { name: "<script>&" } },
  });
  for (const host of [fixture.team, fixture.app("app"), fixture.app("bob")]) {
    const answer = await send(`${host}${icon}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "image/svg+xml");
    assert.match(String(answer.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    assert.match(answer.text, />S<\/text>/);
    assert.doesNotMatch(answer.text, /<script/);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("every page names the icon and may load it, and a logo stands in the place of the mark", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  for (const url of [
    `${fixture.team}/`,
    fixture.app("app"),
    fixture.app("nowhere"),
    `${fixture.team}/cdn-cgi/access/nothing`,
  ]) {
    await person.open(url);
    assert.match(person.page.text, new RegExp(`<link rel="icon" [^>]*href="${icon}">`), url);
    assert.match(person.page.text, /class="monogram" aria-hidden="true">T</, url);
    assert.match(String(person.page.headers["content-security-policy"]), /img-src 'self';/, url);
  }
  const logo_path = "https://pictures.test/logo.svg";
  await fixture.change({ organization: { name: "Test", login_design: { logo_path } } });
  await person.open(fixture.app("app"));
  assert.match(person.page.text, /<img src="https:\/\/pictures\.test\/logo\.svg" alt="">/);
  assert.doesNotMatch(person.page.text, /class="monogram"/);
  const policy = String(person.page.headers["content-security-policy"]);
  assert.match(policy, /img-src 'self' https:\/\/pictures\.test;/);
});
