// What the measurements make of runs: medians of the rounds that both had, and failures that are
// shown and never counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Contender, compete, ratioOf, rowNamed } from "../../bench/contest.ts";
import { atLeast, noFailures, reportOf } from "../../bench/finding.ts";
import { FailedRun } from "../../bench/load/run.ts";
import { Stage } from "../../bench/stage.ts";

const pace = { seconds: 1, rounds: 3 };

/** Answers so many requests a second, run after run; 0 is a run that fails. The first warms up. */
function contender(name: string, rates: number[]): Contender {
  const rest = [1, ...rates];
  return {
    name,
    pids: [process.pid],
    async run(seconds) {
      const rate = rest.shift() ?? 0;
      if (rate === 0) throw new FailedRun("an answer was wrong");
      return { requests: rate * seconds, seconds, p50: 1, p99: 2 };
    },
  };
}

test("a ratio is the median of those of the rounds, so that a busy round counts once", async (t) => {
  const stage = new Stage();
  t.after(() => stage.clear());
  const entries = [contender("peer", [100, 10, 100]), contender("own", [200, 20, 50])];
  const rows = await compete(stage, entries, pace);
  assert.equal(ratioOf(rowNamed(rows, "own"), rowNamed(rows, "peer"), "rate"), 2);
});

test("a run with a wrong answer is shown as failed, and its round counts for nobody", async (t) => {
  const stage = new Stage();
  t.after(() => stage.clear());
  const entries = [contender("peer", [100, 100, 100]), contender("own", [0, 200, 200])];
  const rows = await compete(stage, entries, pace);
  const own = rowNamed(rows, "own");
  assert.equal(ratioOf(own, rowNamed(rows, "peer"), "rate"), 2);
  const report = reportOf({ tables: [{ title: "a table", rows, base: "peer" }], promises: [] });
  assert.match(report, /own, a run of 3 failed: an answer was wrong/);
  assert.deepEqual(
    noFailures("own", own).map(({ holds }) => holds),
    [false],
  );
});

test("who does not start is shown as failed, and the others are measured", async (t) => {
  const stage = new Stage();
  t.after(() => stage.clear());
  const entries = [{ name: "absent", failure: "is not installed" }, contender("own", [1, 1, 1])];
  const rows = await compete(stage, entries, pace);
  assert.equal(rowNamed(rows, "own")?.runs.length, 3);
  const report = reportOf({ tables: [{ title: "a table", rows, base: "own" }], promises: [] });
  assert.match(report, /absent, a run of 1 failed: is not installed/);
  const ratio = ratioOf(rowNamed(rows, "own"), rowNamed(rows, "absent"), "rate");
  assert.equal(atLeast("beside who is absent", 1, ratio).holds, false);
});

test("who answers wrongly while warming up is not measured", async (t) => {
  const stage = new Stage();
  t.after(() => stage.clear());
  const wrong: Contender = {
    name: "wrong",
    pids: [],
    run: () => Promise.reject(new FailedRun("answered with 302")),
  };
  const [row] = await compete(stage, [wrong], pace);
  assert.deepEqual(row?.failures, ["answered with 302"]);
  assert.deepEqual(row?.runs, []);
});
