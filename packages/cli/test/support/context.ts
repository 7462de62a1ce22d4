// What a step of the command line gets from the world, for tests that call it in this process.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Context } from "../../src/context.ts";

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
    environment: {},
    home: join(directory, "home"),
    profile: "default",
    now: () => Date.now() + made.ahead,
    onTerminal: false,
    caFile: undefined,
    debug: false,
    tell: (line) => told.push(line),
    told,
    ahead: 0,
    ...more,
  };
  return made;
}
