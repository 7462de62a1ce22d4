// What policy is told of a request besides who sends it. Nothing is looked up that no policy of the
// application asks for.
import type { Application } from "../model/model.ts";
import type { Circumstances, MissingRequest } from "../model/rules/rule.ts";
import type { RequestFacts } from "./request-facts.ts";

/** The part of a request that policy is told of. */
export type RequestCircumstances = Pick<RequestFacts, "clientIp" | "method" | "path" | "catalog">;

/** Of a request to the application itself. */
export function circumstancesOf(
  facts: RequestCircumstances,
  application: Pick<Application, "names">,
): Circumstances {
  const { method, path } = facts;
  return { ...placeOf(facts, application), request: { method, path } };
}

/** Of a request about the application: a sign-in, or a question by somebody who has. */
export function circumstancesWithout(
  facts: Omit<RequestCircumstances, "method" | "path">,
  application: Pick<Application, "names">,
  request: MissingRequest,
): Circumstances {
  return { ...placeOf(facts, application), request };
}

function placeOf(
  { clientIp: ip, catalog }: Omit<RequestCircumstances, "method" | "path">,
  { names }: Pick<Application, "names">,
): Pick<Circumstances, "ip" | "country"> {
  const country = names.country ? catalog.countries.of(ip) : undefined;
  return { ip, country };
}
