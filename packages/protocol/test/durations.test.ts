import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError, parseDuration } from "../src/index.ts";

const badDuration = (error: unknown) =>
  error instanceof ProtocolError && error.code === "bad_duration";

test("durations are written as in Go, and in days", () => {
  const expected: Record<string, number> = {
    "0": 0,
    "0s": 0,
    "24h": 86_400_000,
    "1h30m": 5_400_000,
    "1h1m1s": 3_661_000,
    "300ms": 300,
    "1.5h": 5_400_000,
    ".5s": 500,
    "5.s": 5_000,
    "1500us": 1.5,
    "1500µs": 1.5,
    "2d": 172_800_000,
    "1m1m": 120_000,
    "8760h": 31_536_000_000,
  };
  for (const [text, milliseconds] of Object.entries(expected))
    assert.equal(parseDuration(text), milliseconds, text);
  assert.ok(Math.abs(parseDuration("1000000ns") - 1) < 1e-9);
});

test("everything else is refused with a hint how to write it, and nothing long is repeated", () => {
  for (const bad of [
    "",
    " ",
    "5",
    "00",
    "-1h",
    "+1h",
    "1h ",
    " 1h",
    "1h 2m",
    "h",
    ".s",
    "1.2.3s",
    "1week",
    "1H",
    "1e3s",
    "0x1s",
    "1h-2m",
    "∞s",
    "forever",
    "NaNs",
  ])
    assert.throws(() => parseDuration(bad), badDuration, bad);
  assert.throws(() => parseDuration(`${"9".repeat(400)}h`), badDuration, "no number is that large");
  assert.throws(
    () => parseDuration("x".repeat(1_000)),
    (error: Error) =>
      /write it like 30m, 24h or 1h30m$/.test(error.message) && error.message.length < 120,
  );
});
