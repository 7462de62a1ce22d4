// Which answers under load count as right: those like the one that came to the same request before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FailedRun } from "../../bench/load/run.ts";
import { checkSummary, type Summary } from "../../bench/load/wrk.ts";

const sample = { status: 200, headSize: 200, body: Buffer.alloc(1_024) };
const size = sample.headSize + sample.body.length;
const right: Summary = {
  requests: 100_000,
  microseconds: 1e6,
  bytes: 100_000 * size,
  p50: 1,
  p99: 2,
  connect: 0,
  read: 0,
  write: 0,
  status: 0,
  timeout: 0,
};

test("answers like the one before count, with those that were under way at the end", () => {
  checkSummary(right, sample, 64);
  checkSummary({ ...right, bytes: right.bytes + 63 * size }, sample, 64);
});

test("redirects, pages of errors and answers cut short make a run count as failed", () => {
  for (const length of [0, 300, size - 30, size + 100, 2 * size]) {
    const summary = { ...right, bytes: right.requests * length };
    assert.throws(() => checkSummary(summary, sample, 64), FailedRun);
  }
});

test("one redirect among a hundred right answers makes a run count as failed", () => {
  const summary = { ...right, bytes: right.requests * (0.99 * size + 0.01 * 600) };
  assert.throws(() => checkSummary(summary, sample, 64), FailedRun);
});

test("a connection that fails, a refusal or a time limit makes a run count as failed", () => {
  for (const field of ["connect", "read", "write", "status", "timeout"] as const)
    assert.throws(() => checkSummary({ ...right, [field]: 1 }, sample, 64), FailedRun);
  assert.throws(() => checkSummary({ ...right, requests: 0, bytes: 0 }, sample, 64), FailedRun);
});
