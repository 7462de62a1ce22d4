// Recorded sign-ins and requests against other policies: which answers would be another. Rows that
// say too little for an answer are counted as unknown; of those that were refused for another
// reason than policy nothing is said.
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication } from "../catalog/match-application.ts";
import { defined } from "../defined.ts";
import type { Application } from "../model/model.ts";
import {
  type AskingPolicy,
  askingPolicies,
  decideByFacts,
  policyOf,
} from "../policy/decide-by-facts.ts";
import { missingFacts } from "../policy/explain.ts";
import type { Facts } from "../policy/facts.ts";

/** What a replay needs of a row of the access log. */
export interface RecordedDecision {
  created_at: number;
  action: "login" | "logout" | "request";
  outcome: string;
  ray_id: string;
  ip_address: string;
  country: string | null;
  user_email: string | null;
  app_uid: string | null;
  app_name: string | null;
  idp: string | null;
  service_token_id: string | null;
  policy_name: string | null;
  method: string | null;
  host: string | null;
  path: string | null;
  facts: string | null;
}

/** Answers that change in the same way. */
export interface AnswerChange {
  application: string;
  from: string;
  to: string;
  /** the policy that would decide; "" where none would */
  policy: string;
  count: number;
  /** the first few */
  examples: RecordedDecision[];
}

/** What a replay found. */
export interface ReplayResult {
  rows: number;
  same: number;
  changes: AnswerChange[];
  unknown: number;
  /** fact that is missing → rows that lack it; `facts`: they have none at all */
  missing: Map<string, number>;
  /** rows that policy did not decide: failed sign-ins, sign-outs */
  skipped: number;
}

const mostExamples = 3;
/** Answers that are remembered, by what they were made of. */
const mostAnswers = 50_000;

const policyOutcomes: ReadonlySet<string> = new Set(["allow", "bypass", "deny", "login"]);

/** The answer to one row; `missing` where it depends on what the row does not say. */
type Answer = { outcome: string; policy: string } | { missing: readonly string[] };

/** Replays rows, as many as there are. */
export class Replay {
  readonly #catalog: Catalog;
  readonly #applicationById: ReadonlyMap<string, Application>;
  readonly #policies = new Map<Application, readonly AskingPolicy[]>();
  #answers = new Map<string, Answer>();
  readonly #changes = new Map<string, AnswerChange>();
  readonly #result: Omit<ReplayResult, "changes"> = {
    rows: 0,
    same: 0,
    unknown: 0,
    missing: new Map(),
    skipped: 0,
  };

  /** @param catalog the policies to ask */
  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#applicationById = new Map(catalog.applications.map((each) => [each.id, each]));
  }

  /** The changes that most rows have come first. */
  get result(): ReplayResult {
    const changes = [...this.#changes.values()].sort((one, other) => other.count - one.count);
    return { ...this.#result, changes };
  }

  add(row: RecordedDecision): void {
    const result = this.#result;
    result.rows++;
    if (row.action === "logout" || !policyOutcomes.has(row.outcome) || row.app_uid === null) {
      result.skipped++;
      return;
    }
    const answer = this.#answerTo(row);
    if ("missing" in answer) {
      result.unknown++;
      for (const name of answer.missing)
        result.missing.set(name, (result.missing.get(name) ?? 0) + 1);
      return;
    }
    if (answer.outcome === row.outcome) result.same++;
    else this.#addChange(row, answer);
  }

  #addChange(
    row: RecordedDecision,
    { outcome, policy }: { outcome: string; policy: string },
  ): void {
    const application = row.app_name ?? "";
    const key = JSON.stringify([application, row.outcome, outcome, policy]);
    const change = this.#changes.get(key) ?? {
      ...{ application, from: row.outcome, to: outcome, policy },
      ...{ count: 0, examples: [] },
    };
    this.#changes.set(key, change);
    change.count++;
    if (change.examples.length < mostExamples) change.examples.push(row);
  }

  #answerTo(row: RecordedDecision): Answer {
    const application = applicationOf(row, this.#catalog, this.#applicationById);
    if (application === undefined) return { outcome: "deny", policy: "" };
    if (row.facts === null) return { missing: ["facts"] };
    const facts = [row.facts, row.user_email, row.idp, row.service_token_id, row.ip_address];
    const key = [application.id, row.action, row.method, row.path, row.country, ...facts].join(
      "\n",
    );
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#decide(application, recordedFacts(row, row.facts));
    if (this.#answers.size >= mostAnswers) this.#answers = new Map();
    this.#answers.set(key, answer);
    return answer;
  }

  #decide(application: Application, facts: Facts): Answer {
    const policies = this.#policies.get(application) ?? askingPolicies(application.policies);
    this.#policies.set(application, policies);
    const result = decideByFacts(policies, facts);
    if (!result.isDecided) return { missing: missingFacts(result.missing) };
    const policy = policyOf(result.decision)?.name ?? "";
    return { outcome: result.decision.outcome, policy };
  }
}

/** The application of a row's address; of a sign-in, that which it was for. */
export function applicationOf(
  { host, path, app_uid }: Pick<RecordedDecision, "host" | "path" | "app_uid">,
  catalog: Catalog,
  byId: ReadonlyMap<string, Application>,
): Application | undefined {
  if (host === null || path === null) return byId.get(app_uid ?? "");
  const name = host.replace(/:\d+$/, "");
  return matchApplication(catalog, name, path)?.application;
}

/** What a row says: its facts, and what it has in columns of their own. */
export function recordedFacts(row: RecordedDecision, text: string): Facts {
  const facts = JSON.parse(text) as Facts;
  const isPerson = facts.kind === "person";
  const { method, path } = row;
  const request = method === null || path === null ? undefined : { method, path };
  return {
    ...defined({
      email: isPerson ? (row.user_email ?? undefined) : undefined,
      login_method: isPerson ? (row.idp ?? undefined) : undefined,
      service_token: row.service_token_id ?? undefined,
      ip: row.ip_address,
      country: row.action === "login" ? (row.country ?? undefined) : undefined,
      request: row.action === "login" ? ("awaited" as const) : request,
    }),
    ...facts,
  };
}
