// What the pages of the data path say: each leaves a person with something to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fixedStatus,
  foreignPage,
  internal,
  noApplication,
  originFailed,
  type Problem,
  storeUnavailable,
  unreadable,
} from "../../src/access/problems.ts";
import { upgradeProblems } from "../../src/access/upgrade-problems.ts";

const problems: Record<string, Problem> = {
  ...unreadable,
  ...originFailed,
  ...Object.fromEntries(upgradeProblems.map((problem) => [problem.error, problem])),
  foreignPage,
  noApplication,
  internal,
  storeUnavailable,
  notFound: fixedStatus(404),
  unavailable: fixedStatus(503),
};

/** A sentence, or a part of one, that tells somebody what to do. */
const advice =
  /(?:^|[.:;] |, or |, )(?:Ask|ask|Check|Give|give|Percent-encode|Send|send|Shorten|Try|Use|use|Write)\b/;

test("every page of the data path says in plain words what is wrong, and what to do", () => {
  for (const [name, { heading, message }] of Object.entries(problems)) {
    assert.match(heading, /^[A-Z][^.]+[^.]$/, name);
    assert.match(message, advice, name);
    assert.match(message, /[.)]$/, name);
    assert.doesNotMatch(
      `${heading} ${message}`,
      /something went wrong|e-mail|invalid|illegal/i,
      name,
    );
  }
});
