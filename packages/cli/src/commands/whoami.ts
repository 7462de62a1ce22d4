import type { Surroundings } from "../command-context.ts";
export async function runWhoami(_s: Surroundings, _a: string[]): Promise<number> {
  return 1;
}
