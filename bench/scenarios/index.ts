// The scenarios by the names that `--only` takes. Each differs from the first in one point.
import type { Scenario } from "../setting.ts";
import { commandLine } from "./command-line.ts";
import { largeAnswers } from "./large-answers.ts";
import { smallAnswers } from "./small-answers.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  "1kb": smallAnswers,
  "1mb": largeAnswers,
  "command-line": commandLine,
};
