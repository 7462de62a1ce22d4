// Lines of the log as a terminal gets them: nothing in a stranger's words is obeyed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LogOutput } from "../../src/observe/log-output.ts";

function lineOf(fields: object): string {
  let text = "";
  const sink = {
    write(line: Buffer) {
      text += line.toString();
      return line.length;
    },
  };
  new LogOutput(() => undefined, sink).write(`${JSON.stringify(fields)}\n`);
  return text;
}

test("control characters and marks that turn text around reach the log as escapes", () => {
  const words = [
    "\u009b31m red by a C1 control",
    "\u0085next line",
    "\u2028line\u2029paragraph",
    "\u202egnirts\u202c",
    "\u2066isolate\u2069 \u200e\u200f\u061c",
    "\u007fdelete",
    "\u001b[2J\r\n",
  ];
  for (const detail of words) {
    const line = lineOf({ detail });
    assert.match(line, /^[\x20-\x7e]*\n$/, JSON.stringify(detail));
    assert.deepEqual(JSON.parse(line), { detail });
  }
});

test("what people write in their languages stays as it is", () => {
  for (const name of ["Zoë", "Привет", "日本語", "عربي", "👩‍💻"])
    assert.ok(lineOf({ name }).includes(name), name);
});
