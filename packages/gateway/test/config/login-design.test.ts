// The organization's design: what pages can use of it, and what a person hears of the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pageColours, pageLogo } from "../../src/model/login-design.ts";
import { loadText, withLines } from "./written-file.ts";

const notAColour = /is not a colour that pages can use and is left out; write #/;
const notAPicture = /is not a picture that pages can load and is left out; write an address/;

const cases: [what: string, design: string, warnings: [field: string, says: RegExp][]][] = [
  ["a colour by its name", "{background_color: white}", [["background_color", notAColour]]],
  ["a colour as rgb()", '{background_color: "rgb(0,0,0)"}', [["background_color", notAColour]]],
  ["a transparent colour", '{background_color: "#11223344"}', [["background_color", notAColour]]],
  ["a colour without its sign", '{background_color: "f4f4f0"}', [["background_color", notAColour]]],
  ["an empty colour", '{background_color: ""}', [["background_color", notAColour]]],
  [
    "both colours by their names",
    "{background_color: black, text_color: white}",
    [
      ["background_color", notAColour],
      ["text_color", notAColour],
    ],
  ],
  [
    "a colour of text alone",
    '{text_color: "#112233"}',
    [["text_color", /has no effect without background_color.*write both/]],
  ],
  [
    "text that can hardly be read",
    '{background_color: "#777777", text_color: "#888"}',
    [["text_color", /contrast 1\.\d, at least 4\.5 is needed.*write a colour with more contrast/]],
  ],
  ["a logo over plain HTTP", '{logo_path: "http://a.test/l.png"}', [["logo_path", notAPicture]]],
  ["a logo of this machine", "{logo_path: /etc/logo.png}", [["logo_path", notAPicture]]],
  ["a logo as a script", '{logo_path: "javascript:alert(1)"}', [["logo_path", notAPicture]]],
  ["a logo that is text", '{logo_path: "data:text/html,x"}', [["logo_path", notAPicture]]],
  [
    "a logo that is too long",
    `{logo_path: "data:image/png;base64,${"A".repeat(65_536)}"}`,
    [["logo_path", /is longer than 64 kB and is left out; write the https:/]],
  ],
  [
    "a long header",
    `{header_text: "${"words ".repeat(30)}"}`,
    [["header_text", /is longer than 120 characters.*shorten it/]],
  ],
];

for (const [what, design, expected] of cases)
  test(`somebody who writes ${what} into login_design is told what to write`, () => {
    const text = withLines(`organization: {name: A, login_design: ${design}}`).text;
    const { warnings } = loadText(text);
    assert.equal(warnings.length, expected.length, warnings.join("\n"));
    for (const [index, [field, says]] of expected.entries()) {
      const warning = warnings[index] ?? "";
      assert.match(warning, /^\/etc\/postern\/postern\.yaml:\d+: /);
      assert.ok(warning.includes(`organization.login_design.${field}: `), warning);
      assert.match(warning, says);
    }
  });

test("a design that pages can use warns of nothing", () => {
  for (const design of [
    '{background_color: "#0b3d2e", text_color: "#fff", logo_path: "https://a.test/logo.svg"}',
    '{background_color: "#FFF"}',
    '{logo_path: "data:image/png;base64,AAAA", header_text: Hello, footer_text: Bye}',
    "{}",
  ]) {
    const text = withLines(`organization: {name: A, login_design: ${design}}`).text;
    assert.deepEqual(loadText(text).warnings, [], design);
  }
});

test("text outside the card can be read on every background", () => {
  for (const background_color of ["#000", "#fff", "#777777", "#1f4fd8", "#f2b705", "#808080"]) {
    const colours = pageColours({ background_color, text_color: background_color });
    assert.match(colours?.text ?? "", /^#(?:161b22|ffffff)$/, background_color);
  }
  const chosen = { background_color: "#0b3d2e", text_color: "#E8F5EE" };
  assert.deepEqual(pageColours(chosen), { background: "#0b3d2e", text: "#e8f5ee" });
  assert.equal(pageColours({ text_color: "#fff" }), undefined);
  assert.equal(pageColours(undefined), undefined);
});

test("a logo is a picture from an https address or in the setting itself", () => {
  assert.equal(pageLogo("https://a.test/l.png"), "https://a.test/l.png");
  assert.equal(pageLogo("data:image/webp;base64,AA"), "data:image/webp;base64,AA");
  for (const path of ["http://a.test/l.png", "l.png", "//a.test/l.png", "data:text/html,x", ""])
    assert.equal(pageLogo(path), undefined, path);
});

test("no host of a logo adds to the policy of the pages, or loosens it", () => {
  for (const host of ["x;sandbox", "x;script-src", "x,y", "*", "*.a.test", "x'a", 'x"a', "a.test;"])
    assert.equal(pageLogo(`https://${host}/l.png`), undefined, host);
  for (const host of ["a.test", "a_b.test:8443", "192.0.2.1", "[2001:db8::1]:443", "bücher.test"])
    assert.notEqual(pageLogo(`https://${host}/l.png`), undefined, host);
});
