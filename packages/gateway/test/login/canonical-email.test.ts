import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalEmail } from "../../src/login/providers/canonical-email.ts";

test("an address has one spelling, however it is written (L10, L12)", () => {
  assert.equal(canonicalEmail("Ada.Lovelace+x@Example.COM"), "ada.lovelace+x@example.com");
  assert.equal(canonicalEmail("ada@localhost"), "ada@localhost");
});

test("what is not one plain ASCII address is refused and not repaired (L10)", () => {
  const odd = [
    ...[
      "",
      "@",
      "a@",
      "@b.c",
      "a",
      "attacker@evil.com@corp.test",
      '"a@corp.test"@evil.com',
      "a@corp.test\n",
      " a@corp.test",
      "a@corp.test ",
    ],
    ...[
      "a@corp.test\u0000",
      "a@cоrp.test",
      "a@corp。test",
      "ａ@corp.test",
      "a@\u212Aorp.test",
      "a@corp..test",
      "a@.corp.test",
      "a@corp.test.",
    ],
    ...[
      "a@-corp.test",
      "a@corp-.test",
      "a@[127.0.0.1]",
      "a b@corp.test",
      "a(x)@corp.test",
      "<a@corp.test>",
      "a@corp.test,b@corp.test",
    ],
    `${"a".repeat(65)}@corp.test`,
    `a@${"b".repeat(64)}.test`,
  ];
  for (const address of odd)
    assert.equal(canonicalEmail(address), undefined, JSON.stringify(address));
});
