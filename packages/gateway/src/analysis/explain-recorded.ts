// A decision that was recorded, and what policies say of the same facts now.
import type { Catalog } from "../catalog/catalog.ts";
import type { Application } from "../model/model.ts";
import { type Explanation, explain } from "../policy/explain.ts";
import { applicationOf, type RecordedDecision, recordedFacts } from "./replay.ts";

/** Rows of one ray: a sign-in, and what it led to. */
const mostRecorded = 20;

/** What was recorded under a ray ID. */
export function rowsOfRay(ray: string) {
  const filter = { field: "ray_id", operator: "eq", value: ray } as const;
  return { direction: "asc", limit: mostRecorded, filters: [filter] } as const;
}

/** @property explanation undefined where nothing is known of the decision but that there was one */
export interface RecordExplanation {
  /** whose policies are asked; undefined where there is none any more */
  application: Application | undefined;
  explanation: Explanation | undefined;
}

/** Explains by the policies of now. */
export function explainRecorded(catalog: Catalog, row: RecordedDecision): RecordExplanation {
  const byId = new Map(catalog.applications.map((each) => [each.id, each]));
  const application = applicationOf(row, catalog, byId);
  if (application === undefined || row.facts === null)
    return { application, explanation: undefined };
  return { application, explanation: explain(application.policies, recordedFacts(row, row.facts)) };
}
