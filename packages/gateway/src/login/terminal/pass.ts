// Passes (wire-protocol 8): a credential for one URL prefix and at most ten minutes, for tools
// whose URL ends up in process lists, histories and access logs; narrower still where that is
// asked for. Minted with a person's application token and with nothing else.
import { type CredentialScope, headers } from "@postern/protocol";
import { z } from "zod";
import { matchApplication } from "../../catalog/match-application.ts";
import type { Clock } from "../../clock.ts";
import { canonicalPath } from "../../http/canonical-path.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { RandomBytes } from "../../random.ts";
import type { Store, StoredSession } from "../../storage/store.ts";
import { isAppOf } from "../../tokens/bound-browser.ts";
import type { PassScope } from "../../tokens/claims.ts";
import type { Tokens } from "../../tokens/tokens.ts";
import { hasUserInfo } from "../application-host.ts";
import { browserFor } from "../browser-nonce.ts";
import { admits, decideFor } from "../decide.ts";
import { proofFaultOf, refuseUnproven } from "../demanded-proof.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { readText } from "../request-text.ts";
import { refuseJson } from "../responses.ts";
import { scopeFields, scopeOf } from "./scope-input.ts";

const bodyLength = 8_192;
const passRequest = z.strictObject({
  url_prefix: z.string().max(4_096),
  ttl: z.int().min(1).max(600),
  ...scopeFields,
});

/** What passes are made from. */
export interface PassParts {
  tokens: Tokens;
  store: Pick<Store, "useCounts">;
  record: RecordEvent;
  now: Clock;
  randomBytes: RandomBytes;
}

/** Answers `POST /cdn-cgi/access/pass` on an application's host. */
export async function mintPass(c: LoginContext, parts: PassParts): Promise<Response> {
  const { facts } = c.var;
  const here = `${facts.scheme}://${facts.authority}`;

  // 1. One token, and a request that can be read.
  const token = c.req.header(headers.accessToken);
  if (token === undefined)
    return refuse(c, 401, "no_token", `send the application's token in ${headers.accessToken}`);
  // Two headers arrive joined; a token holds no comma.
  if (token.includes(","))
    return refuse(c, 400, "two_tokens", `${headers.accessToken} was sent twice`);
  const request = readPassRequest(await readText(c.req.raw, bodyLength));
  if (request === undefined) return refuse(c, 400, "bad_request", requestForm);

  // 2. The prefix must be an application's.
  const path = pathOnThisHost(here, request.url_prefix);
  if (path === undefined)
    return refuse(
      c,
      400,
      "bad_url_prefix",
      `url_prefix must be a URL on ${here}, without query and fragment`,
    );
  const match = matchApplication(facts.catalog, facts.host, path);
  if (match === undefined)
    return refuse(c, 400, "bad_url_prefix", "no application covers url_prefix");

  // 3. The token must be a person's, for that application, and policy let the person in. Service
  // tokens have no session to die with, and a pass is of another type: neither mints anything.
  const { application } = match;
  const verification = await parts.tokens.verifyApp(token, application.aud);
  if (!verification.ok || verification.claims.common_name !== undefined)
    return refuse(c, 401, "bad_token", foreignToken);
  const browser = browserFor(c, application, "header");
  if (browser !== undefined && !isAppOf(browser, "header", verification))
    return refuse(c, 401, "bad_token", foreignToken);
  const fault = proofFaultOf(c, parts, token, verification.claims);
  if (fault !== undefined) return refuseUnproven(c, fault);
  if (application.proof_of_possession === true) return refuse(c, 403, "proof_demanded", noPassHere);
  if (!admits(decideFor(facts, application, verification.session)))
    return refuse(c, 403, "denied", "policy does not let you in to this application");

  // 4. A count is in the store before the pass is in anybody's hands.
  const { session } = verification;
  const lifetimeMs = request.ttl * 1000;
  const scope = await countedScope(parts, session, scopeOf(request), lifetimeMs);
  const htu = `${here}${path}`;
  const pass = await parts.tokens.issuePass(session, application, htu, lifetimeMs, scope);
  parts.record({ event: "pass_issued", ...requestFields(facts), aud: application.aud });
  const body = { token: pass.token, expires_at: new Date(pass.expiresAt).toISOString() };
  return Response.json(body, { headers: { "cache-control": "private, no-store" } });
}

/** The scope, with a name for its count where it has one. */
async function countedScope(
  { store, now, randomBytes }: PassParts,
  { id: session_id }: StoredSession,
  scope: CredentialScope,
  lifetimeMs: number,
): Promise<PassScope> {
  const { count: uses_left } = scope;
  if (uses_left === undefined) return scope;
  const id = randomBytes(16).toString("hex");
  const expires_at = now() + lifetimeMs;
  await store.useCounts.add({ id, session_id, uses_left, expires_at });
  return { ...scope, jti: id };
}

function readPassRequest(text: string | undefined): z.infer<typeof passRequest> | undefined {
  try {
    return passRequest.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}

/**
 * The canonical path of a URL on this very scheme, host and port.
 * @param here scheme and authority of this request
 * @returns undefined for any other URL
 */
function pathOnThisHost(here: string, prefix: string): string | undefined {
  if (!URL.canParse(prefix) || /[?#\s\\]/.test(prefix)) return undefined;
  const url = new URL(prefix);
  if (url.origin !== new URL(here).origin || hasUserInfo(url)) return undefined;
  // The path as it was written, not as URL tidied it: both sides read it with the same rules (case
  // P3).
  const afterScheme = prefix.slice(prefix.indexOf("://") + 3);
  const slash = afterScheme.indexOf("/");
  return canonicalPath(slash < 0 ? "/" : afterScheme.slice(slash));
}

function refuse(
  c: LoginContext,
  status: 400 | 401 | 403,
  error: string,
  message: string,
): Response {
  return refuseJson(c, status, { error, message }, `no pass: ${message}`);
}

const noPassHere =
  "the application demands a proof of possession with every request, which a pass cannot give; use postern access http";
const foreignToken = "the token is not valid for the application of url_prefix";
const requestForm =
  'send JSON like {"url_prefix":"https://host/path/","ttl":600}, with a ttl of 1 to 600 seconds; "methods":["GET"], "paths":["/path/*"] and "count":10 narrow the pass';
