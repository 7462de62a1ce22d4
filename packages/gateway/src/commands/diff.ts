import { isOn } from "../command-call.ts";
import type { Command } from "./command.ts";

/** `diff FILE`, or `diff --access` */
export const diff: Command = async (call, world) => {
  if (isOn(call, "access")) return (await import("./decisions.ts")).diffAccess(call, world);
  return (await import("./configuration.ts")).diffFile(call, world);
};
