import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Deadline } from "../src/deadline.ts";

/** The order in which limits pass; resolves when the one with the last name does. */
function passing(last: string) {
  const passed: string[] = [];
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const deadline = (name: string) =>
    new Deadline(() => {
      passed.push(name);
      if (name === last) end();
    });
  // A limit keeps no process alive, and this test is one.
  const stay = setInterval(() => {}, 1_000);
  return { passed, deadline, ended: ended.finally(() => clearInterval(stay)) };
}

test("a limit passes once for the last time at which it was set, earlier or later than before", async () => {
  const { passed, deadline, ended } = passing("last");
  const later = deadline("later");
  later.set(1);
  later.set(60);
  const sooner = deadline("sooner");
  sooner.set(60_000);
  sooner.set(1);
  const last = deadline("last");
  last.set(200);
  await ended;
  assert.deepEqual(passed, ["sooner", "later", "last"]);
});

test("a limit that was lifted, ended or set to infinity never passes, and can be set again", async () => {
  const { passed, deadline, ended } = passing("again");
  const lifted = deadline("lifted");
  lifted.set(1);
  lifted.lift();
  const infinite = deadline("infinite");
  infinite.set(1);
  infinite.set(Number.POSITIVE_INFINITY);
  const gone = deadline("gone");
  gone.set(1);
  gone.end();
  const again = deadline("again");
  again.set(1);
  again.end();
  await wait(1);
  again.set(100);
  await ended;
  assert.deepEqual(passed, ["again"]);
});
