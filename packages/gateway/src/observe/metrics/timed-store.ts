// A store whose calls are timed.
import type { Stopwatch } from "../../clock.ts";
import type { Store } from "../../storage/store.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";

type Method = (...args: unknown[]) => Promise<unknown>;

/** The same store: each call of a part is counted with the time that it took. */
export function timedStore(store: Store, metrics: GatewayMetrics, elapsed: Stopwatch): Store {
  const parts = Object.entries(store).filter(([, part]) => typeof part === "object");
  const timed = parts.map(([name, part]) => {
    const methods = Object.entries(part as Record<string, Method>).map(([method, call]) => [
      method,
      timedCall(call, (ms, isFailure) => metrics.storeAnswered(name, ms, isFailure), elapsed),
    ]);
    return [name, Object.fromEntries(methods)];
  });
  return { ...store, ...Object.fromEntries(timed) };
}

function timedCall(
  call: Method,
  tell: (ms: number, isFailure: boolean) => void,
  elapsed: Stopwatch,
): Method {
  return async (...args) => {
    const begin = elapsed();
    let isFailure = true;
    try {
      const value = await call(...args);
      isFailure = false;
      return value;
    } finally {
      tell(elapsed() - begin, isFailure);
    }
  };
}
