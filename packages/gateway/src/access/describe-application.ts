// `cf-access-metadata-request`: who guards this URL (wire-protocol 2 and 6.1). Answered by the
// gateway alone, to anybody; the description is signed and the same for all who ask about one part
// of one application.
import { endpoints, headers } from "@postern/protocol";
import { type ApplicationMatch, pathScope } from "../catalog/match-application.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import { privateHeaders } from "../http/private-headers.ts";
import { networkOf } from "../network.ts";
import type { Tokens } from "../tokens/tokens.ts";

/**
 * Seconds for which a client may believe the description. A client notices an edit of the
 * configuration when it uses a token.
 */
const maxAge = 3_600;

/** @param asksForLogin whether policy asks anybody who they are */
export async function describeApplication(
  tokens: Pick<Tokens, "issueMatch">,
  facts: RequestFacts,
  match: ApplicationMatch,
  asksForLogin: boolean,
): Promise<LocalAnswer> {
  const { catalog, host, authority, path, clientIp } = facts;
  const scope = pathScope(catalog, host, path);
  const validity = scope === undefined ? {} : { path_scope: scope, max_age: maxAge };
  const description = {
    hostname: host,
    authority,
    aud: match.application.aud,
    app_hostname: match.pattern,
    transfer_url: `${catalog.issuer}${endpoints.transfer}`,
    ...validity,
    ...(match.application.accept_bearer === true ? { accept_bearer: true } : {}),
    ...(match.application.proof_of_possession === true ? { proof_of_possession: true } : {}),
    login: asksForLogin,
  };
  const metadata = await tokens.issueMatch(description, networkOf(clientIp));
  if (metadata === undefined)
    return { status: 429, headers: { ...privateHeaders, "Retry-After": "1" }, body: "" };
  return { status: 204, headers: { ...privateHeaders, [headers.metadata]: metadata }, body: "" };
}
