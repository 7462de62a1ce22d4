// The scenarios by the names that `--only` takes. Each differs from the first in one point.
import type { Scenario } from "../setting.ts";
import { applications } from "./applications.ts";
import { commandLine } from "./command-line.ts";
import { connectionCounts } from "./connection-counts.ts";
import { connectionPerRequest } from "./connection-per-request.ts";
import { forwardAuth } from "./forward-auth.ts";
import { http2 } from "./http2.ts";
import { largeAnswers } from "./large-answers.ts";
import { memory } from "./memory.ts";
import { observed } from "./observed.ts";
import { sessions } from "./sessions.ts";
import { slowOrigin } from "./slow-origin.ts";
import { smallAnswers } from "./small-answers.ts";
import { smallBesideLarge } from "./small-beside-large.ts";
import { tls } from "./tls.ts";
import { twoWorkers } from "./two-workers.ts";
import { variedHeads } from "./varied-heads.ts";
import { webSockets } from "./web-sockets.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  "1kb": smallAnswers,
  "1mb": largeAnswers,
  "connection-per-request": connectionPerRequest,
  connections: connectionCounts,
  sessions,
  applications,
  tls,
  http2,
  workers: twoWorkers,
  websocket: webSockets,
  "slow-origin": slowOrigin,
  "small-beside-large": smallBesideLarge,
  "varied-heads": variedHeads,
  "forward-auth": forwardAuth,
  memory,
  observed,
  "command-line": commandLine,
};
