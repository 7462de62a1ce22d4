// Passes (wire-protocol 8): a credential for one URL prefix and at most ten minutes, for tools
// whose URL ends up in process lists, histories and access logs. Minted with a person's application
// token and with nothing else.
import { headers } from "@postern/protocol";
import type { Context } from "hono";
import { z } from "zod";
import { matchApplication } from "../../catalog/match-application.ts";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import { canonicalPath } from "../../http/canonical-path.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { readText } from "../read-text.ts";
import { decideFor } from "../session.ts";
import { mayEnter } from "./approve.ts";

const bodyLength = 8_192;
const passRequest = z.strictObject({
  url_prefix: z.string().max(4_096),
  ttl: z.int().min(1).max(600),
});

/** Answers `POST /cdn-cgi/access/pass` on an application's host. */
export async function mintPass(c: Context<LoginEnv>, deps: LoginDependencies): Promise<Response> {
  const { facts } = c.var;
  const token = c.req.header(headers.accessToken);
  if (token === undefined)
    return refuse(401, "no_token", `send the application's token in ${headers.accessToken}`);
  // Two headers arrive joined; a token holds no comma.
  if (token.includes(","))
    return refuse(400, "two_tokens", `${headers.accessToken} stands there twice`);
  const asked = readPassRequest(await readText(c.req.raw, bodyLength));
  if (asked === undefined)
    return refuse(
      400,
      "bad_request",
      'send JSON like {"url_prefix":"https://host/path/","ttl":600}, with a ttl of 1 to 600 seconds',
    );
  const path = pathOnThisHost(facts, asked.url_prefix);
  if (path === undefined)
    return refuse(
      400,
      "bad_url_prefix",
      `url_prefix must be a URL on ${facts.scheme}://${facts.authority}, without query and fragment`,
    );
  const match = matchApplication(facts.catalog, facts.host, path);
  if (match === undefined) return refuse(400, "bad_url_prefix", "no application covers url_prefix");

  const { application } = match;
  const verified = await deps.tokens.verifyApp(token, application.aud);
  // Service tokens have no session to die with, and a pass is of another type: neither mints
  // anything.
  if (!verified.ok || verified.claims.common_name !== undefined)
    return refuse(401, "bad_token", "the token does not hold for the application of url_prefix");
  if (!mayEnter(decideFor(deps, facts, application, verified.session)))
    return refuse(403, "denied", "policy does not let you in to this application");

  const htu = `${facts.scheme}://${facts.authority}${path}`;
  const pass = deps.tokens.issuePass(verified.session, application, htu, asked.ttl * 1000);
  deps.record({ event: "pass_issued", ray: facts.rayId, ip: facts.clientIp, aud: application.aud });
  return Response.json(
    { token: pass.token, expires_at: new Date(pass.expiresAt).toISOString() },
    { headers: { "cache-control": "private, no-store" } },
  );
}

function readPassRequest(text: string | undefined): z.infer<typeof passRequest> | undefined {
  try {
    return passRequest.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}

/** The canonical path of a URL on this very scheme, host and port; undefined for any other URL. */
function pathOnThisHost(facts: RequestFacts, prefix: string): string | undefined {
  if (!URL.canParse(prefix) || /[?#\s\\]/.test(prefix)) return undefined;
  const parsed = new URL(prefix);
  const here = new URL(`${facts.scheme}://${facts.authority}`);
  if (parsed.origin !== here.origin || parsed.username !== "" || parsed.password !== "")
    return undefined;
  // The path as it was written, not as URL tidied it: both sides read it with the same rules (case
  // P3).
  const written = prefix.slice(prefix.indexOf("://") + 3);
  const slash = written.indexOf("/");
  return canonicalPath(slash < 0 ? "/" : written.slice(slash));
}

function refuse(status: number, error: string, message: string): Response {
  return Response.json(
    { error, message },
    {
      status,
      headers: { "cache-control": "private, no-store", "x-content-type-options": "nosniff" },
    },
  );
}
