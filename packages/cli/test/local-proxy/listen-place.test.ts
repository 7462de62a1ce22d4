// Where the local proxy may listen: on this machine alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CliError } from "../../src/exit-status.ts";
import { readListenPlace } from "../../src/local-proxy/listen-place.ts";

test("a port of this machine, by name or address", () => {
  const both = ["127.0.0.1", "::1"];
  for (const [text, addresses, port] of [
    ["localhost:8080", both, 8080],
    ["http://localhost:8080", both, 8080],
    ["http://localhost:8080/", both, 8080],
    ["127.0.0.1:1", ["127.0.0.1"], 1],
    ["127.8.0.1:65535", ["127.8.0.1"], 65_535],
    ["[::1]:8080", ["::1"], 8080],
    ["localhost:0", both, 0],
  ] as const)
    assert.deepEqual(readListenPlace(text), { kind: "tcp", addresses, port }, text);
});

test("a Unix socket by its absolute path", () => {
  for (const text of ["unix:/run/a.sock", "unix:///run/a.sock"])
    assert.deepEqual(readListenPlace(text), { kind: "unix", path: "/run/a.sock" });
});

test("no place that others reach, and none that is no place", () => {
  const others = [
    "0.0.0.0:8080",
    "[::]:8080",
    "192.168.1.5:8080",
    "example.com:80",
    "localhost.evil.test:1",
  ];
  const malformed = [
    "",
    "8080",
    ":8080",
    "localhost",
    "localhost:",
    "localhost:65536",
    "localhost:80/x",
    "unix:",
    "unix:a.sock",
    `unix:/${"a".repeat(200)}`,
    "https://localhost:1",
    "tcp://localhost:1",
  ];
  for (const text of [...others, ...malformed])
    assert.throws(
      () => readListenPlace(text),
      ({ code, message }: CliError) => code === "usage" && message.startsWith("--url "),
      text,
    );
});
