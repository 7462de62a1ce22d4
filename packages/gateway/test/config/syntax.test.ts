// A file that is no YAML: the line and what to do, in words that quote nothing of it, since a
// secret may stand there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, file, loadText, withLines } from "./written-file.ts";

const provider = (secret: string) =>
  `identity_providers:\n  - {name: a, type: oidc, config: {client_id: a, issuer: "https://idp.test", client_secret: ${secret}}}`;

/** `~` stands for a secret; the mistake is in the last line. */
const mistakes: [mistake: string, written: string, says: RegExp][] = [
  [
    "a bracket that nothing closes",
    "organization: {name: ~",
    /this is not YAML: a bracket is not closed/,
  ],
  [
    "a bracket that nothing opens",
    "organization: {name: a}} ~",
    /this is not YAML; look at the quotes/,
  ],
  [
    "a field twice",
    "log: {level: info}\nlog: {level: ~}",
    /the same field stands here twice; remove one of them/,
  ],
  ["a tab", "log:\n\tlevel: ~", /a tab stands where the line is indented; use spaces/],
  [
    "a secret that begins like an alias (O10)",
    provider("*~"),
    /\* begins an alias, .* put the value in quotes/,
  ],
  [
    "a secret that begins like a tag (O10)",
    provider("!~"),
    /! begins a tag, and there are none here; put the value in quotes/,
  ],
  [
    "a secret that begins like nothing in YAML (O10)",
    provider("@~"),
    /begins with a character that has a meaning of its own; put it/,
  ],
  ["a secret with a quote in it (O10)", provider('"~"~"'), /this is not YAML/],
  [
    "a secret with a backslash in it (O10)",
    provider('"\\~"'),
    /has an escape that does not exist; write \\\\ for a backslash/,
  ],
  ["a field without a space after its colon (O10)", "client_secret:~", /this is not YAML/],
  ["a second document", "---\nsecret: ~", /a second document begins here|this is not YAML/],
];

for (const [mistake, written, says] of mistakes) {
  test(`somebody who wrote ${mistake} hears the line, and nothing of it is quoted`, () => {
    const { text, first } = withLines(written.replaceAll("~", "Xyzzy7"));
    const lines = complaints(() => loadText(text));
    assert.match(lines[0] ?? "", says);
    const last = first + written.split("\n").length - 1;
    const where = /^\/etc\/postern\/postern\.yaml:(\d+): /.exec(lines[0] ?? "")?.[1];
    assert.ok([last - 1, last].includes(Number(where)), lines[0]);
    assert.doesNotMatch(lines.join("\n"), /xyzzy/i);
  });
}

test("a key that is no word is shown up to its colon: behind it a secret may stand (O10)", () => {
  const lines = complaints(() =>
    loadText(withLines("smtp: {url: smtp://mail.test, from: a@b.c, password:Xyzzy7}").text),
  );
  assert.deepEqual(lines, [
    `${file}:6: smtp."password…": unknown field; remove it, or correct its name, or write a space after its colon`,
  ]);
});

test("somebody whose file is something else hears what it has to be", () => {
  for (const text of ["", "- a\n", "just text", "# nothing\n", "7"]) {
    assert.deepEqual(
      complaints(() => loadText(text)),
      [`${file}:1: the file is not a map of fields; see examples/postern.yaml`],
      text,
    );
  }
});

test("a file that folds into itself, or is deeper than anybody reads, is refused at once", () => {
  const levels = (count: number, open: string, close: string) =>
    `x: ${open.repeat(count)}${close.repeat(count)}`;
  const cases: [text: string, says: RegExp][] = [
    ["a: &a [*a, *a]", /:1: .*an alias leads back to what it stands in/],
    ["&top\na: *top", /an alias leads back/],
    [levels(100, "[", "]"), /nested too deeply/],
    [levels(3_000, "{a: ", "}"), /nested too deeply/],
    [levels(100_000, "[", ""), /nested too deeply/],
    [
      Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      /nested too deeply/,
    ],
    [
      "a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\ne: [*d,*d,*d,*d]",
      /too many aliases/,
    ],
    ["%YAML 1.1\n---\nlog: !!omap [level: debug]", /log: is of a type that YAML 1\.1 had/],
  ];
  for (const [text, says] of cases)
    assert.match(complaints(() => loadText(text)).join("\n"), says, text.slice(0, 60));
});

test("an anchor and its aliases stand for the same value", () => {
  const { config } = loadText(
    withLines(
      "listen: &here 127.0.0.1:8600\nredirect_http: null\nrelay_hosts: [&r relay.test, *r ]",
    ).text,
  );
  assert.deepEqual(config.relay_hosts, ["relay.test", "relay.test"]);
});
