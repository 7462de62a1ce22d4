import { endpoints, headers } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { send, TimeoutError } from "../net/http-client.ts";
import { listAppTokens, readOrgToken } from "../store/token-store.ts";

const timeout = 7_000;

/**
 * Ends the terminal's session with whatever token of it is stored: at the team domain, else at an
 * application's own host. One session issued them all, so the first that is taken is enough.
 * @returns false when there was no living session
 * @throws {CliError} failure when the gateway could not be told
 */
export async function endSession(context: Context, team: string): Promise<boolean> {
  const now = context.now() / 1000;
  const apps = listAppTokens(context).filter(
    (stored) => stored.team === team && stored.expires_at > now,
  );
  const org = readOrgToken(context, team);
  const attempts = [
    ...(org === undefined ? [] : [{ origin: team, token: org }]),
    ...apps.flatMap(({ origin, token }) => [
      { origin: team, token },
      { origin, token },
    ]),
  ];
  for (const { origin, token } of attempts) {
    const status = await post(context, origin, token);
    if (status >= 200 && status < 300) return true;
    if (status >= 500 || status === 429) {
      throw new CliError(
        "failure",
        `${origin} did not end the session (status ${status}); ${leftOver}`,
      );
    }
  }
  return false;
}

const leftOver = "what was stored is deleted, but the session may live until it expires";

async function post(context: Context, origin: string, token: string): Promise<number> {
  try {
    const url = new URL(endpoints.logout, origin);
    return (
      await send(context, {
        method: "POST",
        url,
        headers: { [headers.accessToken]: token },
        timeout,
      })
    ).status;
  } catch (error) {
    if (!(error instanceof CliError || error instanceof TimeoutError)) throw error;
    throw new CliError(
      "failure",
      `the session could not be ended at the gateway (${reasonOf(error)}); ${leftOver}`,
    );
  }
}
