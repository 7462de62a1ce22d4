// Work in steps: between two of them requests may be answered. The same work runs at once where
// nobody waits.
import { setImmediate as nextTurn } from "node:timers/promises";

/** Work that yields wherever it may pause. */
export type Steps<Result> = Generator<void, Result>;

/** How long requests may have to wait, milliseconds. */
const longestSlice = 5;

/** Does the work without a pause. */
export function runAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Gives way to the event loop at first, and then every few milliseconds. */
export async function runInSlices<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    await nextTurn();
    const sliceBegan = performance.now();
    while (performance.now() - sliceBegan < longestSlice) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }
}
