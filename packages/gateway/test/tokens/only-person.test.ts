import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredSession } from "../../src/storage/store.ts";
import { onlyPerson } from "../../src/tokens/only-person.ts";

/** `ada-1` is a credential of ada's; `bad` is nobody's. */
async function verify(candidate: string): Promise<{ session: StoredSession } | undefined> {
  const [user_id = "", id = ""] = candidate.split("-");
  if (user_id === "bad") return undefined;
  return { session: { id, user_id } as StoredSession };
}

test("no credential, and none that holds, are nobody's", async () => {
  assert.deepEqual(await onlyPerson([], verify), { persons: "none" });
  assert.deepEqual(await onlyPerson(["bad", "bad"], verify), { persons: "none" });
});

test("the first credential that holds says who somebody is, among bad ones and their own", async () => {
  const answer = await onlyPerson(["bad", "ada-1", "ada-2", "bad"], verify);
  assert.ok(answer.persons === "one");
  assert.equal(answer.credential.session.id, "1");
});

test("credentials of two persons at once are nobody's, in whatever order", async () => {
  assert.deepEqual(await onlyPerson(["ada-1", "bad", "eve-1"], verify), { persons: "two" });
  assert.deepEqual(await onlyPerson(["eve-1", "ada-1", "ada-2"], verify), { persons: "two" });
});

test("the ninth credential of a flood is not even looked at", async () => {
  let looks = 0;
  const answer = await onlyPerson(Array<string>(100).fill("bad"), async () => {
    looks++;
    return undefined;
  });
  assert.deepEqual([answer.persons, looks], ["none", 8]);
});
