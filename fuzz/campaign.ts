// Many cases of one subject, in blocks: each block has a seed of its own, so that the seed of a
// campaign and the number of its cases say all that it tried.
import fc from "fast-check";
import { printCase } from "./case-text.ts";
import { keepCase } from "./corpus.ts";
import type { Case } from "./grammar/cases.ts";
import type { JudgedCase } from "./nginx.ts";
import { shrink } from "./shrink.ts";
import { type Finding, type Subject, tryCase } from "./subjects.ts";

export const blockSize = 1_000;

/** What a campaign has done so far. */
export interface Tally {
  cases: number;
  throughNginx: number;
  /** how ours ended: outcome → cases */
  outcomes: Map<string, number>;
  /** class → the first case of it, as short as it gets, printable */
  disagreements: Map<string, string>;
}

/** Asks nginx about cases. */
type AskNginx<Tried extends Case> = (cases: readonly Tried[]) => Promise<JudgedCase<Tried>[]>;

/** Tries the cases of one seed, and adds to the tally. @param askNginx undefined: without nginx */
export async function tryBlock<Tried extends Case>(
  subject: Subject<Tried>,
  seed: number,
  size: number,
  tally: Tally,
  askNginx?: AskNginx<Tried>,
): Promise<void> {
  const cases = fc.sample(subject.cases, { numRuns: size, seed });
  for (const tried of cases) {
    const { outcome } = subject.ours(tried, [tried.bytes]);
    tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + 1);
    for (const finding of tryCase(subject, tried))
      await note(tally, subject, { tried, finding }, (each) => tryCase(subject, each));
  }
  tally.cases += cases.length;
  if (askNginx === undefined) return;

  tally.throughNginx += cases.length;
  for (const judged of await askNginx(cases))
    await note(tally, subject, judged, async (each) =>
      (await askNginx([each])).map(({ finding }) => finding),
    );
}

/** Takes down a disagreement of a class that is new. */
async function note<Tried extends Case>(
  { disagreements }: Tally,
  { name }: Subject<Tried>,
  { tried, finding }: JudgedCase<Tried>,
  retry: (tried: Tried) => Finding[] | Promise<Finding[]>,
): Promise<void> {
  const key = keyOf(name, finding);
  if (disagreements.has(key)) return;
  disagreements.set(key, "");
  const fails = async (bytes: Buffer) =>
    (await retry({ ...tried, bytes })).some((each) => keyOf(name, each) === key);
  const bytes = await shrink(tried.bytes, fails);
  disagreements.set(key, `${printCase(bytes)}kept as ${keepCase(name, bytes)}`);
}

function keyOf(subject: string, { reader, kind, what }: Finding): string {
  return `${subject}: ${reader} ${kind === "refuses" ? "refuses" : "disagrees"}: ${what}`;
}
