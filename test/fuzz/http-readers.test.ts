// The readers of HTTP agree (cases H7, H9): ours, node:http's parser, llhttp and nginx, over the
// kept cases and over made ones. fuzz/README.md says how, and `npm run fuzz` tries more.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { type Tally, tryBlock } from "../../fuzz/campaign.ts";
import { parseCase, printCase } from "../../fuzz/case-text.ts";
import { readCorpus } from "../../fuzz/corpus.ts";
import type { Case } from "../../fuzz/grammar/cases.ts";
import { NginxJudge } from "../../fuzz/nginx.ts";
import { readRequestsByPostern } from "../../fuzz/readers/postern-requests.ts";
import { requests, responses, type Subject, tryCase } from "../../fuzz/subjects.ts";
import fc from "../support/properties.ts";
import { leaveOut } from "../support/requirements.ts";

const seed = Number(process.env["POSTERN_TEST_SEED"] ?? 1);
const needsNginx = leaveOut(existsSync("/usr/sbin/nginx") ? undefined : "nginx");

function emptyTally(): Tally {
  return { cases: 0, throughNginx: 0, outcomes: new Map(), disagreements: new Map() };
}

/** Tries cases of a subject, as many as there is time for. */
async function campaign<Tried extends Case>(
  context: TestContext,
  subject: Subject<Tried>,
  count: number,
): Promise<void> {
  const tally = emptyTally();
  const deadline = performance.now() + 20_000;
  for (let block = 0; tally.cases < count && performance.now() < deadline; block++)
    await tryBlock(subject, seed + block, 1_000, tally);
  context.diagnostic(`${tally.cases} cases from seed ${seed}`);
  assert.deepEqual([...tally.disagreements], []);
}

test("50,000 connections of clients are read alike, or refused (H7)", (context) =>
  campaign(context, requests, 50_000));

test("50,000 answers of origins are read alike, or refused (H7, H9)", (context) =>
  campaign(context, responses, 50_000));

for (const subject of [requests, responses]) {
  test(`the kept ${subject.name} are read alike, or refused, however the network cuts them`, () => {
    const corpus = readCorpus(subject.name);
    assert.ok(corpus.length > 40);
    for (const { name, bytes } of corpus) {
      // What both subjects have in common is all that is needed here.
      const { variants } = subject as Subject;
      for (const tried of variants(bytes))
        assert.deepEqual(tryCase(subject as Subject, tried), [], `${name}, cut at ${tried.cuts}`);
    }
  });
}

test("nginx reads the kept cases, and some made ones, as we do", needsNginx, async (context) => {
  const judge = await NginxJudge.start();
  context.after(() => judge.stop());
  const ofClients = [
    ...readCorpus("requests").map(({ bytes }): Case => ({ bytes, cuts: [] })),
    ...fc.sample(requests.cases, 1_000),
  ];
  const ofOrigins = [
    ...readCorpus("responses").flatMap(({ bytes }) => responses.variants(bytes).slice(0, 4)),
    ...fc.sample(responses.cases, 1_000),
  ];
  const judged = [
    ...(await judge.tryRequests(ofClients)),
    ...(await judge.tryResponses(ofOrigins)),
  ];
  assert.deepEqual(
    judged.map(({ tried, finding }) => [finding.what, printCase(tried.bytes)]),
    [],
  );
});

/** Readers of ours that would be wrong: each takes for proper what was sent otherwise. */
const lax: Record<string, (text: string) => string> = {
  "line feeds alone": (text) => text.replace(/(?<!\r)\n/g, "\r\n"),
  "a blank before the colon": (text) => text.replace(/[ \t]+:/g, ":"),
  "a length given twice": (text) => text.replace(/(Content-Length: \d+)\r\n\1/gi, "$1"),
  "a line that goes on": (text) => text.replace(/\r\n[ \t]+/g, " "),
  "a length with a sign": (text) => text.replace(/(Content-Length: *)\+/gi, "$1"),
  "a coding among others": (text) => text.replace(/gzip, chunked/gi, "chunked"),
};

for (const [what, mend] of Object.entries(lax)) {
  test(`a reader that took ${what} would be found`, () => {
    const subject: Subject = {
      ...requests,
      ours: (_, pieces) => {
        const text = mend(Buffer.concat(pieces).toString("latin1"));
        return readRequestsByPostern([Buffer.from(text, "latin1")]);
      },
    };
    const cases = fc.sample(subject.cases, 20_000);
    assert.ok(cases.some((tried) => tryCase(subject, tried).length > 0));
  });
}

test("a case reads the same after it was printed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (values) => {
      const bytes = Buffer.from(values);
      assert.deepEqual(parseCase(printCase(bytes)), bytes);
    }),
  );
});
