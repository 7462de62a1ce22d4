import type { ListType } from "../list-values.ts";
import type { Report } from "../problem.ts";
import type { ObjectLookup } from "./rule.ts";

/** Refuses a rule that names a list of other values than it is about. */
export function checkListType(
  id: string,
  wanted: ListType,
  { listType }: ObjectLookup,
  report: Report,
): void {
  const type = listType(id);
  if (type === undefined || type === wanted) return;
  report.problem(["id"], `names a list of type ${type}, and needs one of type ${wanted}`);
}
