import type { Pace } from "./contest.ts";
import type { Finding } from "./finding.ts";
import type { Variant } from "./gateway.ts";
import type { Stage } from "./stage.ts";

/** What a scenario is played with. */
export interface Setting {
  stage: Stage;
  /** this checkout as it comes, and others beside it */
  variants: readonly [Variant, ...Variant[]];
  /** @returns the pace that a scenario asks for, or the one that the command line did */
  pace(seconds: number, rounds: number): Pace;
  /** @returns how many of something there are to be: all of them, or fewer for a quick look */
  count(all: number): number;
}

export interface Scenario {
  /** one line: what differs from 1 kB over 64 connections */
  about: string;
  play(setting: Setting): Promise<Finding>;
}
