// Plays scenarios, one after the other, each within its time: whatever it does, what it started has
// ended afterwards, and what fails in it costs its own figures alone.
import type { Finding } from "./finding.ts";
import type { Variant } from "./gateway.ts";
import { killPrograms } from "./run-program.ts";
import type { Scenario } from "./setting.ts";
import { Stage } from "./stage.ts";

const minuteMs = 60_000;
/** For what is measured in a scenario, and until it is ended in the middle of whatever it does. */
const limits = { measuringMs: 2.5 * minuteMs, scenarioMs: 2.7 * minuteMs };
/** In less no scenario shows anything. */
const leastMs = 20_000;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** With `--quick` figures mean nothing: everything is done once. */
const quick = { pace: { seconds: 1, rounds: 1 }, divisor: 50 };

export interface PlayOptions {
  variants: readonly [Variant, ...Variant[]];
  isQuick: boolean;
  /** how long this and all that come after it may take, milliseconds */
  left: number;
}

/** @returns what it found; that it failed, where it did */
export async function play(
  name: string,
  scenario: Scenario,
  { variants, isQuick, left }: PlayOptions,
): Promise<Finding> {
  if (left < leastMs) return failed(name, "left out, because there was no time");
  const measuringMs = Math.min(limits.measuringMs, left - leastMs / 2);
  try {
    return await onStage(measuringMs, Math.min(limits.scenarioMs, left), (stage) =>
      scenario.play({
        stage,
        variants,
        pace: (seconds, rounds) => (isQuick ? quick.pace : { seconds, rounds }),
        count: (all) => (isQuick ? Math.ceil(all / quick.divisor) : all),
      }),
    );
  } catch (error) {
    return failed(name, String(error));
  }
}

function failed(name: string, figure: string): Finding {
  return { tables: [], promises: [{ what: name, figure, holds: false }] };
}

/**
 * Gives `work` a stage, which is cleared when it is over, when it takes too long, and when somebody
 * wants the program to end.
 * @param measuringMs for how long the stage has time
 * @param limitMs after which nobody waits for `work` any more
 * @throws {Error} as `work` does, or when it takes too long
 */
export async function onStage<T>(
  measuringMs: number,
  limitMs: number,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const stage = new Stage(measuringMs);
  const interrupt = () => void stage.clear().then(() => process.exit(130));
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await within(limitMs, work(stage));
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    killPrograms();
    await stage.clear();
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("took too long")), limitMs);
  // What it was about to do fails when its servers have been ended: nobody listens then.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
