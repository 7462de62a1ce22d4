import type { TestContext } from "node:test";
import { Machine, type Program } from "./machine.ts";
import { isExpected, linesOfOutcome, type Scene, type Step } from "./session-text.ts";

/**
 * Plays a scene at a machine of its own.
 * @returns its steps with what really happened
 */
export async function playScene(
  context: TestContext,
  scene: Scene,
  program: Program,
): Promise<Step[]> {
  const machine = await Machine.start(context, program);
  const steps: Step[] = [];
  for (const step of scene.steps) steps.push(await play(machine, step));
  return steps;
}

/** The step with what really happened; as it was where that was expected. */
async function play(machine: Machine, step: Step): Promise<Step> {
  if (step.kind === "directive") await machine.arrange(step.text);
  if (step.kind !== "command") return step;
  const lines = linesOfOutcome(await machine.run(step.lines));
  return isExpected(lines, step.expected) ? step : { ...step, expected: lines };
}
