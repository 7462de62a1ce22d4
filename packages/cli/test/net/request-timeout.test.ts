// How long one request may take, as the environment says it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CliError } from "../../src/exit-status.ts";
import { requestTimeout } from "../../src/net/request-timeout.ts";
import { startPeer } from "../support/peer.ts";
import { machine } from "../support/terminal.ts";

const timeoutOf = (text?: string) =>
  requestTimeout({ environment: text === undefined ? {} : { POSTERN_REQUEST_TIMEOUT: text } });

test("a request may take seven seconds, or as long as the environment says", () => {
  assert.equal(timeoutOf(), 7_000);
  assert.equal(timeoutOf(""), 7_000);
  assert.equal(timeoutOf("30s"), 30_000);
  assert.equal(timeoutOf("1m30s"), 90_000);
  assert.equal(timeoutOf("1ms"), 1);
  assert.equal(timeoutOf("10m"), 600_000);
});

test("what is no time, or no sensible one, is refused by the variable's name", () => {
  for (const text of ["soon", "7", "-1s", "0s", "10m1ms", "600h", "1ns"])
    assert.throws(
      () => timeoutOf(text),
      (error: unknown) =>
        error instanceof CliError &&
        error.code === "usage" &&
        error.message.startsWith("POSTERN_REQUEST_TIMEOUT must be a time"),
      text,
    );
});

test("a gateway that is silent for longer is said not to answer, and a wrong time is a usage error", async (context) => {
  const peer = await startPeer(context);
  peer.answer = () => true;
  const person = machine(context);
  const login = ["access", "login", peer.origin("app")];
  const silent = await person.run(login, { POSTERN_REQUEST_TIMEOUT: "50ms" });
  assert.equal(silent.status, 5);
  assert.match(silent.stderr, /does not answer/);
  const wrong = await person.run(login, { POSTERN_REQUEST_TIMEOUT: "soon" });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /POSTERN_REQUEST_TIMEOUT/);
});
