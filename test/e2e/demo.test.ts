// `npm run demo`, as README's first command runs it: every step is shown with what it came to.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Running, watchProcess } from "../support/cli.ts";

const program = join(import.meta.dirname, "../../demo/run.ts");

/** The demo with a folder for temporary files of its own. */
function startDemo(context: TestContext, ...args: string[]): Running & { temporary: string } {
  const temporary = mkdtempSync(join(tmpdir(), "postern-demo-test-"));
  context.after(() => rmSync(temporary, { recursive: true, force: true }));
  const env = { ...process.env, TMPDIR: temporary };
  return { ...watchProcess(spawn(process.execPath, [program, ...args], { env })), temporary };
}

test("the demo shows the whole path, and leaves nothing behind but the picture of the page", async (context) => {
  const demo = startDemo(context, "--once", "--port", "0");
  assert.equal(await demo.ended, 0, demo.stderr());
  const output = demo.stdout();
  for (const line of [
    /^ {3}302: Echo API asks you to sign in\.$/m,
    /^ {3}The code of this terminal: [0-9A-Z]{4}-[0-9A-Z]{4}$/m,
    /^ {3}(The page: \S+\.png|No browser is here: done over HTTP\.)$/m,
    /^ {3}\{.*"you":"ada@example\.com"/m,
    /^ {3}403: You don't have access$/m,
    /^ {3}401: The session of this token has ended\.$/m,
  ])
    assert.match(output, line);
  const picture = /The page: (\S+)/.exec(output)?.[1];
  if (picture !== undefined) assert.ok(existsSync(picture));
  const left = readdirSync(demo.temporary, { recursive: true }).filter((each) =>
    /home|postern\.db|approval/.test(String(each)),
  );
  assert.equal(left.length, picture === undefined ? 0 : 1, left.join(", "));
});

test("the demo says in one line which argument is wrong, and starts nothing", async (context) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  context.after(() => taken.close());
  const address = taken.address();
  const takenPort = typeof address === "object" ? String(address?.port) : "";
  for (const [args, reason] of [
    [["--port", "eighty"], /--port eighty is not a port/],
    [["--port", "70000"], /--port 70000 is not a port/],
    [["--port", takenPort], /EADDRINUSE/],
    [["--prot", "1"], /'--prot'/],
  ] as const) {
    const demo = startDemo(context, ...args);
    assert.equal(await demo.ended, 1);
    assert.match(demo.stderr(), reason);
    assert.equal(demo.stdout(), "");
  }
});
