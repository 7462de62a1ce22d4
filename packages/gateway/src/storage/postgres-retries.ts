// Tries a step again where that repeats nothing: PostgreSQL has undone it because of others (a
// deadlock), or it only reads and the connection was lost.
import { setTimeout as pause } from "node:timers/promises";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { isConnectionLost, isPassing, unavailable } from "./postgres-faults.ts";
import { isReading, type PartCall } from "./sqlite-messages.ts";
import type { StoreParts } from "./store.ts";

const mostTries = 5;
/** The longest pause before the second try; it doubles with each, milliseconds. */
const firstPause = 10;

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** The same parts, whose steps are tried again where that helps. */
export function mendFaults(parts: StoreParts): StoreParts {
  const mended = Object.entries(parts).map(([part, methods]) => {
    const calls = Object.entries<Method>(methods).map(([method, step]) => {
      const call: Method = (...args) =>
        tryStep(() => step(...args), { part: part as keyof StoreParts, method, args });
      return [method, call];
    });
    return [part, Object.fromEntries(calls)];
  });
  return Object.fromEntries(mended) as StoreParts;
}

async function tryStep(step: () => Promise<unknown>, call: PartCall): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries === mostTries || !isWorthAnotherTry(error, call)) throw unavailable(error);
      await pause(Math.random() * firstPause * 2 ** (tries - 1));
    }
  }
}

/** What was written on a connection that was lost may be there: a second try could do it twice. */
function isWorthAnotherTry(error: unknown, call: PartCall): boolean {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  return isPassing(cause) || (isConnectionLost(cause) && isReading(call));
}
