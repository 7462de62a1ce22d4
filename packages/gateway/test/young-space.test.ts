import assert from "node:assert/strict";
import { constants } from "node:perf_hooks";
import { suite, test } from "node:test";
import { CollectionPace, growthFactor } from "../src/young-space.ts";

const mebibyte = 2 ** 20;

/** Collections of one kind, one every ten milliseconds. */
function collections(count: number, duration: number, kind: number, from = 0) {
  return Array.from({ length: count }, (_, index) => ({
    startTime: from + index * 10,
    duration,
    detail: { kind },
  }));
}

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_MAJOR: major } = constants;

suite("the young space", () => {
  test("grows to 16 MiB by itself, and beyond while its collections are dear", () => {
    assert.equal(growthFactor(8 * mebibyte, 0), 2);
    assert.equal(growthFactor(16 * mebibyte, 0.05), 1);
    assert.equal(growthFactor(16 * mebibyte, 0.2), 2);
    assert.equal(growthFactor(64 * mebibyte, 0.2), 1);
  });

  test("knows what part of the time the last sixteen young collections took", () => {
    const pace = new CollectionPace();
    pace.note(collections(15, 2, minor));
    assert.equal(pace.share, 0, "too few to tell");
    pace.note(collections(9, 9, major, 150));
    assert.equal(pace.share, 0, "old objects are collected for reasons of their own");
    pace.note(collections(1, 2, minor, 150));
    assert.equal(pace.share, (16 * 2) / 152);
    pace.note(collections(16, 0.5, minor, 1_000));
    assert.equal(pace.share, (16 * 0.5) / 150.5);
  });
});
