// What a step of the command line gets from the world, for tests that call it in this process.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Context } from "../../src/context.ts";
import { plainText } from "../../src/styled-line.ts";

export interface TestSurroundings extends Context {
  /** what the person was told */
  told: string[];
  /** milliseconds by which this machine's clock is wrong */
  ahead: number;
}

export function surroundings(context: TestContext, more: Partial<Context> = {}): TestSurroundings {
  const directory = mkdtempSync(join(tmpdir(), "postern-unit-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const told: string[] = [];
  const made: TestSurroundings = {
    name: "postern",
    home: join(directory, "home"),
    profile: "default",
    now: () => Date.now() + made.ahead,
    onTerminal: false,
    caFile: undefined,
    debug: false,
    color: "auto",
    tell: (line) => told.push(line),
    show: (line) => made.tell(plainText(line)),
    status: () => {},
    told,
    ahead: 0,
    ...more,
    // No test puts anything into the keychain of whoever runs it, but those that bring their own.
    environment: { POSTERN_TOKEN_STORE: "file", ...more.environment },
  };
  return made;
}
