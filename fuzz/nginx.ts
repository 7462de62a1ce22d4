// Cases through the real nginx: many lanes at once, each with one case at a time.
import type { Comparison } from "./compare.ts";
import { type Case, piecesOf, type ResponseCase } from "./grammar/cases.ts";
import { type Nginx, startNginx } from "./readers/nginx-process.ts";
import { NginxRequests } from "./readers/nginx-requests.ts";
import { NginxResponses } from "./readers/nginx-responses.ts";
import type { Message, Reading } from "./reading.ts";
import { differenceOf, type Finding, requests, responses } from "./subjects.ts";

const lanesOfEach = 6;

/** nginx between a client and an origin of ours. */
export class NginxJudge {
  readonly #nginx: Nginx;
  readonly #requests: readonly NginxRequests[];
  readonly #responses: readonly NginxResponses[];

  private constructor(nginx: Nginx) {
    this.#nginx = nginx;
    this.#requests = nginx.lanes.slice(0, lanesOfEach).map((lane) => new NginxRequests(lane));
    this.#responses = nginx.lanes.slice(lanesOfEach).map((lane) => new NginxResponses(lane));
  }

  static async start(): Promise<NginxJudge> {
    return new NginxJudge(await startNginx(2 * lanesOfEach));
  }

  /** What nginx sees differently, for each case that it does. */
  tryRequests(cases: readonly Case[]): Promise<JudgedCase<Case>[]> {
    return through(this.#requests, cases, tryRequest);
  }

  /** What nginx sees differently, for each case that it does. */
  tryResponses(cases: readonly ResponseCase[]): Promise<JudgedCase<ResponseCase>[]> {
    return through(this.#responses, cases, tryResponse);
  }

  stop(): Promise<void> {
    return this.#nginx.stop();
  }
}

/** A case, and how nginx differs from us. */
export interface JudgedCase<Tried extends Case> {
  tried: Tried;
  finding: Finding;
}

async function through<Lane, Tried extends Case>(
  lanes: readonly Lane[],
  cases: readonly Tried[],
  judge: (lane: Lane, tried: Tried) => Promise<Finding | undefined>,
): Promise<JudgedCase<Tried>[]> {
  const judged: JudgedCase<Tried>[] = [];
  const rest = cases.values();
  const work = async (lane: Lane) => {
    for (const tried of rest) {
      const finding = await judge(lane, tried);
      if (finding !== undefined) judged.push({ tried, finding });
    }
  };
  await Promise.all(lanes.map(work));
  return judged;
}

async function tryRequest(lane: NginxRequests, tried: Case): Promise<Finding | undefined> {
  const ours = requests.ours(tried, piecesOf(tried));
  const compared = (reading: Reading) =>
    differenceOf(requests, tried, ours, { name: "nginx", reading, comparison: forwarded });
  if (compared(await lane.read(tried.bytes)) === undefined) return undefined;
  // A client that shuts its side is answered 400 where nginx waits for more, and gets no answer
  // where nginx has ended the connection. Which of them it was shows when the client does not.
  return compared(await lane.read(tried.bytes, false));
}

function tryResponse(lane: NginxResponses, tried: ResponseCase): Promise<Finding | undefined> {
  const closed = { ...tried, closes: true };
  const ours = responses.ours(closed, piecesOf(closed));
  // nginx takes an informational answer for the answer itself.
  const isFinal = ours.messages.every(({ start: [status = ""] }) => !status.startsWith("1"));
  if (!isFinal) return Promise.resolve(undefined);
  return lane
    .read(tried.bytes, tried.method)
    .then((reading) =>
      differenceOf(responses, closed, ours, { name: "nginx", reading, comparison: handedOn }),
    );
}

/** What nginx says of itself, and of its connection. */
const ofNginx = new Set([
  "connection",
  "content-length",
  "date",
  "expect",
  "keep-alive",
  "proxy-connection",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Of an absolute target it forwards the path; of fields, those with plain names. */
const forwarded: Comparison = {
  start: ({ start: [method = "", target = ""] }) => [method, pathOf(target)],
  fields: forwardedFields,
};

const handedOn: Comparison = { start: ({ start }) => start, fields: forwardedFields };

function pathOf(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  return path.startsWith("/") ? path : `/${path}`;
}

function forwardedFields({ fields }: Message): string[] {
  const pairs: string[][] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const [name = "", value = ""] = fields.slice(index, index + 2);
    if (/^[a-z0-9-]+$/.test(name) && !ofNginx.has(name)) pairs.push([name, value]);
  }
  // `Host` goes first.
  return pairs.sort(([one], [other]) => rank(one) - rank(other)).flat();
}

function rank(name: string | undefined): number {
  return name === "host" ? 0 : 1;
}
