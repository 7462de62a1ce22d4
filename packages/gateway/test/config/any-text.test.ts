// Whatever stands in the file: it is taken, or refused with lines that a person can act on. It
// never ends in anything else, and never takes without end.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import { ConfigError, loadConfig } from "../../src/config/load-config.ts";
import { soundSections } from "./written-file.ts";

const secret = "Xyzzy7Hunter2";
const limits = { numRuns: 400, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true };

function judge(text: string): void {
  try {
    loadConfig({ text, file: "p.yaml", environment: { S: secret } });
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${error}`);
    for (const line of error.message.split("\n")) assert.match(line, /^p\.yaml:\d+: .+/);
    assert.ok(!error.message.includes(secret), error.message);
  }
}

const filledIn = (kind: string, name: string) => `\${${kind}:${name}}`;
const words = [
  ...[
    "auth_domain",
    "listen",
    "tls",
    "certificates",
    "store",
    "smtp",
    "url",
    "limits",
    "groups",
    "include",
    "require",
    "exclude",
    "name",
  ],
  ...[
    "id",
    "ingress",
    "service",
    "path",
    "hostname",
    "applications",
    "domain",
    "policies",
    "decision",
    "email",
    "group",
    "everyone",
  ],
  ...[
    "identity_providers",
    "type",
    "oidc",
    "config",
    "issuer",
    "service_tokens",
    "client_secret",
    "precedence",
    "__proto__",
    "constructor",
  ],
];
const odd = [
  "",
  "*",
  "&a",
  "*a",
  "!b",
  "~",
  "null",
  "true",
  "7",
  "-1",
  ".nan",
  "24h",
  "a.test",
  "https://a",
  "0.0.0.0/0",
  "<<",
  filledIn("env", "S"),
];
const scalars = fc.oneof(
  fc.constantFrom(
    ...words,
    ...odd,
    filledIn("env", "NO"),
    filledIn("file", "/dev/zero"),
    filledIn("file", "."),
  ),
  fc.string(),
  fc.double(),
);

test("no text makes the gateway end in anything but lines with their place", () => {
  const pieces = fc.constantFrom(
    ...words,
    ...odd,
    ":",
    ": ",
    "\n",
    "\n  ",
    "\n    - ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    '"',
    "'",
    "|\n",
    "#",
    "\t",
    "---\n",
    "%YAML 1.1\n",
  );
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 60 }).map((all) => all.join("")),
  );
  fc.assert(fc.property(texts, judge), limits);
});

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    scalars,
    fc.constant(null),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string()), tie("tree"), { maxKeys: 4 }),
  ),
}));

/** The value with another one somewhere in it. */
function replaced(value: unknown, steps: readonly number[], by: unknown): unknown {
  const [step, ...more] = steps;
  if (step === undefined || typeof value !== "object" || value === null) return by;
  const keys = Object.keys(value);
  const chosen = keys[step % Math.max(1, keys.length)];
  const changed = Object.entries(value).map(
    ([key, item]) => [key, key === chosen ? replaced(item, more, by) : item] as const,
  );
  return Array.isArray(value) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
}

test("no values in the fields of a sound file make it end in anything else either", () => {
  const places = fc.array(fc.nat(), { minLength: 1, maxLength: 7 });
  const changes = fc.array(fc.tuple(places, tree), { minLength: 1, maxLength: 4 });
  const sound = {
    ...soundSections(),
    groups: [{ name: "g", include: [{ everyone: {} }] }],
    smtp: { url: "smtp://a", from: "a@b.c" },
  };
  fc.assert(
    fc.property(changes, (all) => {
      const sections = all.reduce<unknown>(
        (value, [steps, by]) => replaced(value, steps, by),
        sound,
      );
      judge(JSON.stringify(sections));
    }),
    limits,
  );
});
