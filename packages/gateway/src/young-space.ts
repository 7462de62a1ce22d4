// How much memory V8 gives to objects that die young. Under load it doubles that space until it has
// 128 MiB, and a gateway needs none of it: what a request makes is gone with its answer.
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Bytes of each half: objects are made in one of them, and copied to the other where they live. */
const half = 8 * 2 ** 20;

/**
 * Lets the young space of this process grow to 16 MiB, and no further. A request over HTTP/1.1
 * costs as much CPU time as with 128 MiB. Node takes no such limit but as a flag where the process
 * is started, and most are started by a person; V8 asks for this one each time it could grow.
 */
export function limitYoungSpace(): void {
  const observer = new PerformanceObserver(() => {
    if (youngSpace() < 2 * half) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    observer.disconnect();
  });
  observer.observe({ entryTypes: ["gc"] });
}

/** Bytes that it has. */
function youngSpace(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  return space?.space_size ?? 0;
}
