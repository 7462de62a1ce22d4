// Who a request on an application's host is from, for the reserved endpoints there. They belong to
// the host and not to one application, so a token of any application of that host counts
// (wire-protocol 11).
import { cookies, decodeToken, headers } from "@postern/protocol";
import type { Context } from "hono";
import type { StoredSession } from "../../storage/store.ts";
import { onlyPerson } from "../../tokens/only-person.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { browserSession, cookieValuesOf } from "../session.ts";
import { coversHost } from "./login-request.ts";

type C = Context<LoginEnv>;

/** Where a credential came from decides what a browser could have been tricked into sending. */
export type Presented =
  | { by: "header" | "cookie"; session: StoredSession }
  | { by: "header" | "cookie" | "nothing"; session: undefined };

/**
 * The live session behind `cf-access-token`, else behind the cookie; a bad header is not rescued by
 * a good cookie (wire-protocol 3). On the team domain only the global session's cookie counts.
 */
export async function presentedSession(c: C, deps: LoginDependencies): Promise<Presented> {
  const { host, catalog } = c.get("facts");
  const onTeam = host === catalog.teamHost;
  const token = c.req.header(headers.accessToken);
  if (token !== undefined)
    return { by: "header", session: onTeam ? undefined : await applicationSession(c, deps, token) };
  const values = cookieValuesOf(c, cookies.authorization);
  if (values.length === 0) return { by: "nothing", session: undefined };
  return {
    by: "cookie",
    session: onTeam ? await browserSession(c, deps) : await cookieSession(c, deps, values),
  };
}

/** Cookies that verify for two persons count as none (wire-protocol 3.3). */
async function cookieSession(
  c: C,
  deps: LoginDependencies,
  values: readonly string[],
): Promise<StoredSession | undefined> {
  const answer = await onlyPerson(values, async (value) => {
    const session = await applicationSession(c, deps, value);
    return session === undefined ? undefined : { session };
  });
  return answer.persons === "one" ? answer.credential.session : undefined;
}

async function applicationSession(
  c: C,
  deps: LoginDependencies,
  token: string,
): Promise<StoredSession | undefined> {
  const { catalog, host } = c.get("facts");
  const application = catalog.applicationByAud.get(statedAudience(token) ?? "");
  if (application === undefined || !coversHost(catalog, application, host)) return undefined;
  const verified = await deps.tokens.verifyApp(token, application.aud);
  return verified.ok ? verified.session : undefined;
}

/** Says which application to verify the token for; nothing more is believed. */
function statedAudience(token: string): string | undefined {
  try {
    const { aud } = decodeToken(token).claims;
    const first: unknown = Array.isArray(aud) ? aud[0] : aud;
    return typeof first === "string" ? first : undefined;
  } catch {
    return undefined;
  }
}
