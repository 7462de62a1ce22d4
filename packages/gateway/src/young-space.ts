// How much memory V8 gives to objects that die young. Under load it doubles that space until it has
// 128 MiB, and a gateway needs none of it: what a request makes is gone with its answer.
import { setFlagsFromString } from "node:v8";

/**
 * Leaves the young space of this process as large as loading the program has made it, 16 MiB: a
 * request costs as much CPU time as with 128, and a thousand that wait for their origin take less
 * memory as well. There is no call for it, and flags of Node cannot be given where the process is
 * started by a person. V8 asks for this one each time it could grow.
 */
export function keepYoungSpace(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
