// Tells a gateway that the terminal's session has ended (wire-protocol 11).
import { endpoints, headers } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import { listAppTokens, readAppToken, readOrgToken } from "../store/token-store.ts";

/**
 * Ends the terminal's session with whatever token of it is stored: at the team domain, else at an
 * application's own host. One session issued them all, so the first token that is taken is enough.
 * @param team origin of the team domain
 * @returns false when there was no living session
 * @throws {CliError} failure when the gateway could not be told
 */
export async function endSession(context: Context, team: string): Promise<boolean> {
  for (const { origin, token } of attemptsAt(context, team)) {
    const status = await postLogout(context, origin, token);
    if (status >= 200 && status < 300) return true;
    if (status >= 500 || status === 429)
      throw new CliError("failure", `${origin} did not end the session (status ${status})`);
  }
  return false;
}

interface Attempt {
  origin: string;
  token: string;
}

function attemptsAt(context: Context, team: string): Attempt[] {
  const ofTeam = listAppTokens(context).filter((listed) => listed.team === team);
  const apps = ofTeam.flatMap((listed) => readAppToken(context, listed) ?? []);
  const attempts = apps.flatMap(({ origin, token }) => [
    { origin: team, token },
    { origin, token },
  ]);
  const orgToken = readOrgToken(context, team);
  return orgToken === undefined ? attempts : [{ origin: team, token: orgToken }, ...attempts];
}

/** @returns the status of the answer */
async function postLogout(context: Context, origin: string, token: string): Promise<number> {
  try {
    const { status } = await send(context, {
      method: "POST",
      url: new URL(endpoints.logout, origin),
      headers: { [headers.accessToken]: token },
    });
    return status;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(
      "failure",
      `the session could not be ended at the gateway (${error.message})`,
    );
  }
}
