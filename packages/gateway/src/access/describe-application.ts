// `cf-access-metadata-request`: who guards this URL (wire-protocol 2 and 6.1). Answered by the
// gateway alone, to anybody; the description is signed and the same for all who ask about one part
// of one application.
import { endpoints, headers } from "@postern/protocol";
import type { ApplicationMatch } from "../catalog/match-application.ts";
import { pathScope } from "../catalog/match-application.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import { privateHeaders } from "../http/private-headers.ts";
import type { Tokens } from "../tokens/tokens.ts";

/**
 * Seconds for which a client may believe it; an edit of the configuration is noticed when a token
 * is used.
 */
const maxAge = 3_600;

/** @param letsEverybodyIn whether policy asks nobody who they are */
export function describeApplication(
  facts: RequestFacts,
  match: ApplicationMatch,
  letsEverybodyIn: boolean,
  tokens: Tokens,
): LocalAnswer {
  const scope = pathScope(facts.catalog, facts.host, facts.path);
  const metadata = tokens.issueMatch({
    hostname: facts.host,
    aud: match.application.aud,
    app_hostname: match.pattern,
    transfer_url: `${facts.catalog.issuer}${endpoints.transfer}`,
    ...(scope === undefined ? {} : { path_scope: scope, max_age: maxAge }),
    login: !letsEverybodyIn,
  });
  if (metadata === undefined)
    return { status: 429, headers: { ...privateHeaders, "Retry-After": "1" }, body: "" };
  return { status: 204, headers: { ...privateHeaders, [headers.metadata]: metadata }, body: "" };
}
