// A worker asks its keeper what strangers may cause, and takes silence for a no.
import assert from "node:assert/strict";
import { test } from "node:test";
import { strangerRates } from "../../src/compose.ts";
import { OwnStrangerLimits } from "../../src/stranger-limits.ts";
import { answerTo, KeptLimits } from "../../src/workers/kept-limits.ts";
import type { LimitQuestion } from "../../src/workers/messages.ts";

test("two workers that ask one keeper may together do what one process may", async () => {
  const limits = new OwnStrangerLimits(() => 0, strangerRates(5));
  const worker = () => {
    const asking: KeptLimits = new KeptLimits((id, question) =>
      setImmediate(() => asking.answered(id, Boolean(answerTo(limits, question)))),
    );
    return asking;
  };
  const workers = [worker(), worker()] as const;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      workers[index % 2 === 0 ? 0 : 1].admitMailbox(`terminal ${index}`, "192.0.2.1"),
    ),
  );
  assert.equal(answers.filter((isAdmitted) => isAdmitted).length, 5);
  const turnedAway = answers.lastIndexOf(false);
  for (const asking of workers) {
    assert.equal(await asking.hasTurnedAway(`terminal ${turnedAway}`), true);
    assert.equal(await asking.hasTurnedAway("terminal of somebody else"), false);
    assert.equal(await asking.admitMailbox("another network", "198.51.100.7"), true);
    assert.equal(await asking.take("pins", "192.0.2.1"), true, "another kind of work");
  }
});

test("when the keeper is gone, what it was asked for is not allowed, and nothing is asked any more", async () => {
  const questions: LimitQuestion[] = [];
  const limits = new KeptLimits((_id, question) => questions.push(question));
  const waiting = limits.take("pins", "192.0.2.1");
  limits.end();
  assert.equal(await waiting, false);
  assert.equal(await limits.take("descriptions", "192.0.2.1"), false);
  assert.equal(questions.length, 1);
});
