import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf } from "../../src/login/forms.ts";

test("a form has each of its fields once, and no more fields than a form of ours has", () => {
  assert.deepEqual(
    [...(fieldsOf("a=b&c=&d") ?? [])],
    [
      ["a", "b"],
      ["c", ""],
      ["d", ""],
    ],
  );
  assert.equal(fieldsOf("a=b&a=b"), undefined);
  const many = Array.from({ length: 30_000 }, (_, index) => `${index.toString(36)}`).join("&");
  for (const text of [many, "a&".repeat(30_000), "&".repeat(60_000)])
    assert.equal(fieldsOf(text), undefined);
});
