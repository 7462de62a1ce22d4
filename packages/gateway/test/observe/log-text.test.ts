// The log as words: readable at 80 columns, and nothing of a stranger's words is obeyed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { textOfLine } from "../../src/observe/log-text.ts";

const style = { width: 80, colour: false };

function textOf(fields: object, options = style): string {
  const line = { level: 40, time: "2026-11-28T14:05:09.123Z", ...fields };
  return textOfLine(JSON.stringify(line), options);
}

const refused = {
  event: "request_refused",
  msg: "a request was refused",
  ray: "0b0149d0316f9249",
  ip: "192.0.2.7",
  method: "GET",
  host: "freight.example.com",
  path: "/v1/orders",
  aud: "2".repeat(64),
  application: "Freight API",
  email: "ada@example.com",
  outcome: "denied",
};

test("somebody at a terminal reads the time, the level, what happened and the fields below", () => {
  assert.equal(
    textOf(refused),
    `14:05:09 warn  a request was refused
         ray: 0b0149d0316f9249  ip: 192.0.2.7  method: GET
         host: freight.example.com  path: /v1/orders
         aud: ${"2".repeat(64)}
         application: Freight API  email: ada@example.com  outcome: denied
`,
  );
});

test("lines fit the terminal, whatever its width; only one word that is longer does not", () => {
  const words = { ...refused, detail: "the origin took the request and closed before it answered" };
  for (const width of [60, 80, 120])
    for (const line of textOf(words, { width, colour: false }).split("\n"))
      assert.ok(line.length <= width || /^ *(?:aud: )?2+$/.test(line), line);
});

test("control characters of a stranger are escapes in words as well", () => {
  for (const stray of ["\u001b[31mred", "a\r\nb", "\u0007", "\u009b2J", "tab\t", '"quoted"\n']) {
    const text = textOf({ msg: `said ${stray}`, path: stray, list: [stray], map: { a: stray } });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f]/, text);
    assert.equal(text.split("\n").length - 1 <= 6, true, text);

    const applications = [{ name: stray, url: stray, origin: `unix:${stray}`, aud: "a" }];
    const table = textOf({ event: "applications_listed", msg: "served", applications });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(table.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f]/, table);
    assert.equal(table.split("\n").length - 1, 3, table);
  }
});

test("colours are escape sequences of the gateway's own, and none without colours", () => {
  assert.ok(textOf(refused, { width: 80, colour: true }).includes("\u001b[33mwarn \u001b[0m"));
  assert.ok(!textOf(refused).includes("\u001b"));
});

test("each mistake of a changed file has a line, and an address reads as people write it", () => {
  const problems = ["p.yaml:1: a: is missing", "p.yaml:2: b: is missing"];
  const text = textOf({
    msg: "not applied",
    problems,
    listen: [{ kind: "tcp", host: "::1", port: 8600 }],
  });
  assert.match(text, /problems: p\.yaml:1: a: is missing/);
  assert.match(text, /problems: p\.yaml:2: b: is missing/);
  assert.match(text, /listen: \[::1\]:8600/);
});

test("applications stand in a table with their URL, origin and AUD, and those left out are counted", () => {
  const application = (name: string, origin: string) => ({
    name,
    url: "https://freight.example.com/v1",
    origin,
    aud: "a".repeat(64),
  });
  const text = textOf({
    event: "applications_listed",
    msg: "these applications are served",
    applications: [
      application("Wiki", "unix:/run/wiki.sock"),
      application("Freight API", `http://${"long.".repeat(8)}internal:3000`),
      application("A name that is much longer than any table has room for", "http://10.0.0.5"),
    ],
    more: 980,
  });
  const lines = text.split("\n");
  const columnsOfUrl = lines
    .filter((line) => line.includes("https://"))
    .map((line) => line.indexOf("https://"));
  assert.deepEqual(new Set(columnsOfUrl).size, 1);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(text, /→ unix:\/run\/wiki\.sock/);
  assert.equal(text.match(/ {4}AUD a{64}/g)?.length, 3);
  assert.match(text, /… and 980 more\n$/);
});
